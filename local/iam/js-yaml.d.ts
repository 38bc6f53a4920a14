/** The part of js-yaml 4 that ./template.ts uses. */
declare module 'js-yaml' {
  export interface TypeOptions {
    readonly kind: 'scalar' | 'sequence' | 'mapping'
    readonly construct: (data: unknown) => unknown
  }
  export interface YamlType {
    readonly tag: string
  }
  export interface YamlSchema {
    extend(types: readonly YamlType[]): YamlSchema
  }
  export const Type: new (tag: string, options: TypeOptions) => YamlType
  export const CORE_SCHEMA: YamlSchema
  export function load(text: string, options: { readonly schema: YamlSchema }): unknown
}
