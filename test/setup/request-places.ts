/** Finds the places for values in a request by reflection, so that new fields of the API are included. */
import { type FieldInfo, type MessageType, ScalarType } from "@protobuf-ts/runtime";
import type { JsonRequest } from "./requests.ts";

export interface Place {
  /** The service's name for it: `name`, `transfers[0].description`, `metadata key`, `metadata value`. */
  readonly path: string;
  /** The request with this value in the place. */
  put(request: JsonRequest, value: string): JsonRequest;
}

type Fields = Pick<MessageType<object>, "fields">;

/** Every text field of a request, with keys and values of maps. */
export function textPlacesOf(type: Fields): Place[] {
  return placesOf(type, (field) => {
    const name = field.name;
    if (field.kind === "scalar" && field.T === ScalarType.STRING) return [scalarPlace(field)];
    if (field.kind !== "map") return [];
    const value: Place = { path: `${name} value`, put: (request, text) => ({ ...request, [name]: { note: text } }) };
    const key: Place = { path: `${name} key`, put: (request, text) => ({ ...request, [name]: { [text]: "note" } }) };
    return [
      ...(field.K === ScalarType.STRING ? [key] : []),
      ...(field.V.kind === "scalar" && field.V.T === ScalarType.STRING ? [value] : []),
    ];
  });
}

/** Every field of a request for the id of an account or a transfer. */
export function idPlacesOf(type: Fields): Place[] {
  return placesOf(type, (field) =>
    field.kind === "scalar" && field.T === ScalarType.INT64 && /(^|_)id$/.test(field.name) ? [scalarPlace(field)] : [],
  );
}

function placesOf(type: Fields, ofField: (field: FieldInfo) => Place[]): Place[] {
  return type.fields.flatMap((field) =>
    field.kind === "message" ? placesOf(field.T(), ofField).map((inner) => placeWithin(field, inner)) : ofField(field),
  );
}

function scalarPlace({ name, repeat }: FieldInfo): Place {
  return { path: name, put: (request, value) => ({ ...request, [name]: repeat ? [value] : value }) };
}

/** A place in a nested message; of a list of messages, in the first. */
function placeWithin({ name, repeat }: FieldInfo, { path, put }: Place): Place {
  return {
    path: repeat ? `${name}[0].${path}` : `${name}.${path}`,
    put: (request, value) => {
      const held = [request[name]].flat()[0];
      const filled = put(typeof held === "object" && held !== null ? { ...held } : {}, value);
      return { ...request, [name]: repeat ? [filled] : filled };
    },
  };
}
