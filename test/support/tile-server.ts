import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server answers. Default: status 200 without a body. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Closes the connection after half of the body, or leaves the request without an answer. */
  readonly end?: 'reset' | 'hang';
}

/** A request as it arrived. */
export interface TileRequest {
  /** Path and query. */
  readonly url: string;
  /** The first three numbers of the path, `z/x/y`; empty if there are not three. */
  readonly tile: string;
  readonly headers: IncomingMessage['headers'];
  /** How often this URL was requested before. */
  readonly before: number;
}

/** A server of tiles on the loopback interface that answers as a test says. */
export interface TileServer {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly requests: readonly TileRequest[];
  /** The largest number of requests that were in progress at a time. */
  readonly peak: () => number;
  readonly close: () => Promise<void>;
}

/** Starts a server. `answer` may be asynchronous, to make requests wait for each other. */
export async function startTileServer(answer: (request: TileRequest) => Answer | Promise<Answer>): Promise<TileServer> {
  const requests: TileRequest[] = [];
  let [active, peak] = [0, 0];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = request.url ?? '';
    const numbers = /\/(\d+)\/(\d+)\/(\d+)/.exec(url)?.slice(1) ?? [];
    const before = requests.filter((other) => other.url === url).length;
    const received = { url, tile: numbers.join('/'), headers: request.headers, before };
    requests.push(received);
    peak = Math.max(peak, ++active);
    response.on('close', () => active--);
    const { status = 200, headers = {}, body = '', end } = await answer(received);
    if (end === 'hang') return;
    const bytes = Buffer.from(body as string);
    response.writeHead(status, { ...(status === 204 ? {} : { 'content-length': bytes.length }), ...headers });
    if (end === 'reset') response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    else response.end(bytes);
  };
  const server = createServer((request, response) => void respond(request, response));
  // A test that fails does not close it, and must end nevertheless.
  server.unref().on('connection', (socket) => socket.unref());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    peak: () => peak,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
