import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { after } from "node:test";
import { createServer } from "node:tls";
import { checkoutFolder } from "../../storage/home.js";

const certificate = (file: string) => join(checkoutFolder, "test", "system", "certificates", file);

/** Of the authority that nobody but these tests trusts. */
export const authority = certificate("ca.pem");

export interface TlsFront {
  port: number;
  /** The port of this machine that bytes go on to. */
  target: number;
  connections: number;
}

/** Ends TLS before a service that has none, for the tests of a file: to be called at its top level. */
export async function tlsFront(): Promise<TlsFront> {
  const front: TlsFront = { port: 0, target: 0, connections: 0 };
  const options = {
    key: readFileSync(certificate("server.key")),
    cert: readFileSync(certificate("server.pem")),
    ALPNProtocols: ["h2", "http/1.1"],
  };
  const server = createServer(options, (socket) => {
    front.connections++;
    const on = connect(front.target, "127.0.0.1");
    for (const each of [socket, on]) {
      each.on("error", () => {
        socket.destroy();
        on.destroy();
      });
    }
    socket.pipe(on).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  front.port = (server.address() as AddressInfo).port;
  return front;
}
