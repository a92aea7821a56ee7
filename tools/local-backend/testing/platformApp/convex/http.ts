import { httpActionGeneric as httpAction, httpRouter } from "convex/server";
import { api } from "./references.js";

const http = httpRouter();

http.route({
  path: "/rows",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const { key } = (await request.json()) as { key: string };
    const id = (await ctx.runMutation(api.transactions.add, { key })) as string;
    return Response.json({ id }, { status: 201 });
  }),
});

http.route({
  pathPrefix: "/echo/",
  method: "GET",
  handler: httpAction(async (_ctx, request) => {
    const { pathname, searchParams } = new URL(request.url);
    const bytes = new TextEncoder().encode(
      `${pathname} ${searchParams.get("q")} ${request.headers.get("x-one")}`,
    );
    return new Response(bytes, { headers: { "X-Two": "2" } });
  }),
});

http.route({
  path: "/fails",
  method: "GET",
  handler: httpAction(async () => {
    throw new Error("boom");
  }),
});

export default http;
