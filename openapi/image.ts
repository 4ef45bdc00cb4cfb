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
  readonly label: string;
  readonly type: string;
  readonly typeName?: string;
  readonly oneofIndex?: number;
  readonly proto3Optional?: boolean;
}

export interface EnumDescriptor {
  readonly name: string;
  readonly value: readonly { readonly name: string }[];
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
