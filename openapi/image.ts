/** What `buf build -o -#format=json` prints of an API, as far as it is read here. https://buf.build/docs/reference/images/ */
export interface Image {
  readonly file: readonly FileDescriptor[];
}

export interface FileDescriptor {
  readonly name: string;
  readonly package: string;
  readonly messageType?: readonly MessageDescriptor[];
  readonly enumType?: readonly EnumDescriptor[];
  readonly service?: readonly ServiceDescriptor[];
  readonly sourceCodeInfo?: { readonly location: readonly SourceLocation[] };
}

export interface MessageDescriptor {
  readonly name: string;
  readonly field?: readonly FieldDescriptor[];
  readonly nestedType?: readonly MessageDescriptor[];
  readonly oneofDecl?: readonly { readonly name: string }[];
  readonly options?: { readonly mapEntry?: boolean };
}

export interface FieldDescriptor {
  readonly name: string;
  readonly number: number;
  readonly jsonName: string;
  readonly label: string;
  readonly type: string;
  readonly typeName?: string;
  readonly oneofIndex?: number;
  readonly proto3Optional?: boolean;
}

export interface EnumDescriptor {
  readonly name: string;
  readonly value: readonly { readonly name: string; readonly number: number }[];
}

export interface ServiceDescriptor {
  readonly name: string;
  readonly method: readonly MethodDescriptor[];
}

export interface MethodDescriptor {
  readonly name: string;
  readonly inputType: string;
  readonly outputType: string;
}

interface SourceLocation {
  readonly path?: readonly number[];
  readonly leadingComments?: string;
}

/** Numbers of a file's parts in the paths of comments. https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto */
export const PART = { syntaxPackage: 2, message: 4, enum: 5, service: 6, member: 2 } as const;

/** The comment above a declaration, with the line breaks of its source taken out of each paragraph. */
export function commentAt(file: FileDescriptor, ...path: readonly number[]): string {
  const { location } = file.sourceCodeInfo ?? { location: [] };
  const found = location.find((candidate) => candidate.path?.join() === path.join() && candidate.leadingComments);
  const lines = (found?.leadingComments ?? "").split("\n").map((line) => line.replace(/^ /, "").trimEnd());
  return lines
    .join("\n")
    .trim()
    .replace(/([^\n])\n(?![\n ])/g, "$1 ");
}

/** ".finance.v1.Account" as "Account". */
export function localName(typeName: string): string {
  return typeName.slice(typeName.lastIndexOf(".") + 1);
}

/** The value of a field that is a map; undefined for any other. */
export function mapValueOf(field: FieldDescriptor, message: MessageDescriptor): FieldDescriptor | undefined {
  const entry = message.nestedType?.find(
    ({ name, options }) => options?.mapEntry && field.typeName?.endsWith(`.${message.name}.${name}`),
  );
  return entry?.field?.find(({ name }) => name === "value");
}
