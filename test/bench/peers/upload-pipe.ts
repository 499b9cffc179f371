// POST /upload as the shortest way to the store: signs a PutObject and pipes the request into it. No row, no hash, no limit, no check.
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { Agent, createServer, request as send } from 'node:http';
import { pipeline } from 'node:stream';

const { PORT, S3_ENDPOINT = '', S3_BUCKET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
const { host, hostname, port } = new URL(S3_ENDPOINT);
const agent = new Agent({ keepAlive: true });
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** AWS Signature Version 4 of a PUT whose payload is not signed. */
function signedHeaders(path: string): Record<string, string> {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const headers = { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'x-amz-date': time };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = ['PUT', path, '', lines.join(''), names, 'UNSIGNED-PAYLOAD'].join('\n');
  const scope = `${time.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`).toString('hex');
  const Authorization = `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...headers, Authorization };
}

const server = createServer((message, response) => {
  const path = `/${S3_BUCKET}/${randomUUID()}`;
  const headers = { ...signedHeaders(path), 'Content-Length': message.headers['content-length'] };
  const outgoing = send({ agent, hostname, port, method: 'PUT', path, headers }, (answer) => {
    answer.resume().once('end', () => response.writeHead(answer.statusCode === 200 ? 201 : 502).end('{}'));
  });
  pipeline(message, outgoing, (error) => {
    if (error) response.destroy();
  });
});
server.keepAliveTimeout = 75_000; // as the service
server.listen(Number(PORT), '127.0.0.1');
