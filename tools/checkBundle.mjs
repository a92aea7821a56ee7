/**
 * Bundles the example with the published form of the component, as a push
 * would, and evaluates every module as a deployment would.
 */
import { analyzePush } from "./analyzePush.mjs";
import { pushRequest } from "./pushRequest.mjs";

const { analysis } = await analyzePush(await pushRequest());
for (const [path, { functions }] of Object.entries(analysis)) {
  const modules = Object.values(functions);
  const count = modules.reduce((sum, m) => sum + m.functions.length, 0);
  console.log(
    `${path || "example app"}: ${count} functions in ${modules.length} modules`,
  );
}
