import type { MessageFields } from "./message-fields.ts";
import { quoted, type ValueWriter } from "./scalar-writers.ts";

/** Writes a message as JSON. */
export type MessageWriter = (message: MessageFields) => string;

/** A member of a JSON object, and the property of the message that it is made of. */
export interface Member {
  readonly name: string;
  readonly property: string;
  /** Whether the property's value is written at all. Undefined: always. */
  readonly isPresent: ((value: unknown) => boolean) | undefined;
  readonly write: ValueWriter;
}

/**
 * The writer of an object with these members, in their order.
 *
 * It is made as code, as Fastify's router and serializers are: one function a message type, with the names in place,
 * takes a fifth less time than a loop over the members.
 */
export function objectWriter(members: readonly Member[]): MessageWriter {
  const statements = ['let json = "{";'];
  // Once a member is sure to be there, those after it are sure to need a comma.
  let begun = false;
  members.forEach(({ name, property, isPresent }, index) => {
    const value = `message[${JSON.stringify(property)}]`;
    const label = `${quoted(name)}:`;
    const next = JSON.stringify(`,${label}`);
    const first = JSON.stringify(label);
    const start = begun ? next : index === 0 ? first : `(json === "{" ? ${first} : ${next})`;
    statements.push(
      `${isPresent ? `if (isPresent${index}(${value})) ` : ""}json += ${start} + write${index}(${value});`,
    );
    begun ||= isPresent === undefined;
  });
  statements.push('return json + "}";');
  const parameters = members.flatMap((_member, index) => [`write${index}`, `isPresent${index}`]);
  const make = new Function(...parameters, `return (message) => { ${statements.join("\n")} };`);
  // The code above takes a message and returns text.
  return make(...members.flatMap(({ write, isPresent }) => [write, isPresent])) as MessageWriter;
}
