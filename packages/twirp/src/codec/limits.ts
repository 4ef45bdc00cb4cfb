/**
 * Limits the memory that decoding a request takes: a few bytes of a body can ask for an object of a hundred.
 *
 * Method: a budget counts objects, list values and unknown fields while a request is read. A field may have a limit of its own;
 * elements beyond it are never built.
 */
import { TypeRegistry } from "./fields.ts";

/** Most elements of a list, or pairs of a map. */
export type ElementLimit =
  /** More is `malformed`. */
  | number
  /** The method refuses more, in its own words. It gets at most `max + 1` elements; {@link elementsSent} says how many came. */
  | { readonly max: number; readonly refusedBy: "method" };

/** How much of one request is decoded. */
export interface DecodingLimits {
  /** Messages, byte strings and map pairs of one request; more is `malformed`. Default 100000. */
  readonly objects?: number;
  /** Numbers, texts and enum members in the lists of one request, field masks included; more is `malformed`. Default 500000. */
  readonly listValues?: number;
  /**
   * Unknown fields of one request, such as those of a newer client: JSON members, which are skipped, and protobuf fields,
   * which are kept; more is `malformed`. Default 10000.
   */
  readonly unknownFields?: number;
  /** Limits of list and map fields, by names such as `finance.v1.Account.metadata`. Default: none. */
  readonly elements?: Readonly<Record<string, ElementLimit>>;
}

/** Counts what has been read of one request. */
export class DecodingBudget {
  readonly #limits: DecodingRules;
  #objects = 0;
  #listValues = 0;
  #unknownFields = 0;

  constructor(limits: DecodingRules) {
    this.#limits = limits;
  }

  /** Counts a message, a byte string or a map pair. Throws if there are too many. */
  takeObject(): void {
    this.#objects += 1;
    this.assertObjects(this.#objects);
  }

  /** Throws if a count of objects that is kept elsewhere is too high. */
  assertObjects(count: number): void {
    if (count <= this.#limits.objects) return;
    throw new RangeError(`more than ${this.#limits.objects} messages, byte strings and map pairs`);
  }

  /** Counts numbers, strings or enum members of a list. Throws if there are too many. */
  takeListValues(count: number): void {
    this.#listValues += count;
    if (this.#listValues <= this.#limits.listValues) return;
    throw new RangeError(`more than ${this.#limits.listValues} values in lists`);
  }

  /** Counts an unknown field. Throws if there are too many. */
  takeUnknownField(): void {
    this.#unknownFields += 1;
    if (this.#unknownFields <= this.#limits.unknownFields) return;
    throw new RangeError(`more than ${this.#limits.unknownFields} unknown fields`);
  }
}

/** The limit of one list or map field. */
export class FieldLimit {
  /** False for fields without a limit. */
  readonly finite: boolean;
  readonly #name: string;
  readonly #max: number;
  readonly #kept: number;

  constructor(name: string, limit: ElementLimit) {
    this.#name = name;
    this.#max = typeof limit === "number" ? limit : limit.max;
    this.#kept = typeof limit === "number" ? this.#max : this.#max + 1;
    this.finite = Number.isFinite(this.#max);
  }

  /**
   * Whether the next element is kept, for a collection that holds `size` already. An element that is not kept is counted, and
   * must be skipped. Throws if the limit is not left to the method.
   */
  keeps(collection: object, size: number): boolean {
    if (size < this.#kept) return true;
    if (this.#kept === this.#max) throw new RangeError(`${this.#name}: more than ${this.#max} elements`);
    sent.set(collection, (sent.get(collection) ?? size) + 1);
    return false;
  }
}

/** Number of elements that the request had, for collections that hold fewer. */
const sent = new WeakMap<object, number>();

/** Number of elements that a request had in a list, or pairs in a map, including those that decoding skipped. */
export function elementsSent(collection: readonly unknown[] | Readonly<Record<string, unknown>>): number {
  return sent.get(collection) ?? (Array.isArray(collection) ? collection.length : Object.keys(collection).length);
}

const NO_LIMIT = new FieldLimit("", Number.POSITIVE_INFINITY);

/** Limits with every default filled in. */
export class DecodingRules {
  readonly objects: number;
  readonly listValues: number;
  readonly unknownFields: number;
  readonly #elements: ReadonlyMap<string, FieldLimit>;

  /**
   * Throws for a limit on a field that does not exist.
   *
   * @param types the types of requests.
   */
  constructor(
    { objects = 100_000, listValues = 500_000, unknownFields = 10_000, elements = {} }: DecodingLimits,
    types: TypeRegistry,
  ) {
    this.objects = objects;
    this.listValues = listValues;
    this.unknownFields = unknownFields;
    for (const name of Object.keys(elements)) assertCollection(name, types);
    this.#elements = new Map(Object.entries(elements).map(([name, limit]) => [name, new FieldLimit(name, limit)]));
  }

  budget(): DecodingBudget {
    return new DecodingBudget(this);
  }

  of(typeName: string, field: string): FieldLimit {
    return this.#elements.get(`${typeName}.${field}`) ?? NO_LIMIT;
  }
}

/** For bytes that this process wrote itself. */
export const UNLIMITED = new DecodingRules(
  {
    objects: Number.POSITIVE_INFINITY,
    listValues: Number.POSITIVE_INFINITY,
    unknownFields: Number.POSITIVE_INFINITY,
  },
  new TypeRegistry([]),
);

function assertCollection(name: string, types: TypeRegistry): void {
  const dot = name.lastIndexOf(".");
  const field = types.find(name.slice(0, dot))?.fields.find((candidate) => candidate.name === name.slice(dot + 1));
  if (field?.kind === "map" || (field !== undefined && field.repeat !== 0)) return;
  throw new Error(`twirp: limits.elements: ${name} is not a list or map field of the services`);
}
