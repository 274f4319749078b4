import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

export interface RefusingProxy {
  endpoint: string;
  /** Endpoint of the store. */
  target: string;
  /** Methods that are answered with 403, as S3 does where a policy doesn't allow them. */
  refused: Set<string>;
  /** How often that happened. */
  refusals: number;
}

/**
 * Stands before an object store, as a policy would, for the tests of a file: to be called at its top level. Signatures stay
 * valid: the host's name is what was signed.
 */
export async function refusingProxy(): Promise<RefusingProxy> {
  const proxy: RefusingProxy = { endpoint: "", target: "", refused: new Set(), refusals: 0 };
  const server = createServer((asked, answer) => {
    if (proxy.refused.has(asked.method ?? "")) {
      proxy.refusals++;
      asked.resume();
      answer.writeHead(403, { "Content-Type": "application/xml" });
      answer.end("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
      return;
    }
    const { method, headers, url } = asked;
    const passed = request(new URL(url ?? "/", proxy.target), { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  proxy.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
