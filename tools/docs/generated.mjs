/** Returns the files that `npx convex codegen` would write for an app with these modules and the component. */
export function generated(modules) {
  const alias = (name) => name.replaceAll("/", "_");
  const imports = modules.map(
    (name) => `import type * as ${alias(name)} from "../${name}.js";`,
  );
  const fields = modules.map((name) => `"${name}": typeof ${alias(name)};`);
  return {
    "api.ts": `import { anyApi, componentsGeneric } from "convex/server";
import type { ApiFromModules, FilterApi, FunctionReference } from "convex/server";
import type { ComponentApi } from "@convex-dev/workflow/_generated/component.js";
${imports.join("\n")}
type All = ApiFromModules<{ ${fields.join(" ")} }>;
export const api = anyApi as unknown as FilterApi<All, FunctionReference<any, "public">>;
export const internal = anyApi as unknown as FilterApi<All, FunctionReference<any, "internal">>;
export const components = componentsGeneric() as unknown as { workflow: ComponentApi<"workflow"> };
`,
    "dataModel.ts": `import type { DataModelFromSchemaDefinition, DocumentByName, TableNamesInDataModel } from "convex/server";
import type { GenericId } from "convex/values";
import type schema from "../schema.js";
export type DataModel = DataModelFromSchemaDefinition<typeof schema>;
export type TableNames = TableNamesInDataModel<DataModel>;
export type Doc<Name extends TableNames> = DocumentByName<DataModel, Name>;
export type Id<Name extends TableNames> = GenericId<Name>;
`,
    "server.ts": `import { actionGeneric, httpActionGeneric, internalActionGeneric, internalMutationGeneric, internalQueryGeneric, mutationGeneric, queryGeneric } from "convex/server";
import type { ActionBuilder, GenericActionCtx, GenericMutationCtx, GenericQueryCtx, HttpActionBuilder, MutationBuilder, QueryBuilder } from "convex/server";
import type { DataModel } from "./dataModel.js";
export const query: QueryBuilder<DataModel, "public"> = queryGeneric;
export const internalQuery: QueryBuilder<DataModel, "internal"> = internalQueryGeneric;
export const mutation: MutationBuilder<DataModel, "public"> = mutationGeneric;
export const internalMutation: MutationBuilder<DataModel, "internal"> = internalMutationGeneric;
export const action: ActionBuilder<DataModel, "public"> = actionGeneric;
export const internalAction: ActionBuilder<DataModel, "internal"> = internalActionGeneric;
export const httpAction: HttpActionBuilder = httpActionGeneric;
export type QueryCtx = GenericQueryCtx<DataModel>;
export type MutationCtx = GenericMutationCtx<DataModel>;
export type ActionCtx = GenericActionCtx<DataModel>;
`,
  };
}
