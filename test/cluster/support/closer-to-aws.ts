// In front of the emulator: answers as AWS does where it does not, and its controller would stop.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';

/**
 * A request as the emulator reads it: it takes an empty value of a filter for the end of the list, and knows subnets and target
 * groups by their short forms only.
 */
function asRead(form: string): string {
  const kept = new URLSearchParams();
  const next = new Map<string, number>();
  for (const [key, value] of new URLSearchParams(form)) {
    const [, filter] = /^(Filter\.\d+\.Value)\.\d+$/.exec(key) ?? [];
    const [, subnet] = /^SubnetMappings\.(member\.\d+)\.SubnetId$/.exec(key) ?? [];
    const [, action] = /^(\w+\.member\.\d+)\.ForwardConfig\.TargetGroups\.member\.1\.TargetGroupArn$/.exec(key) ?? [];
    if (filter !== undefined && value === '') continue;
    if (filter !== undefined) {
      next.set(filter, (next.get(filter) ?? 0) + 1);
      kept.append(`${filter}.${next.get(filter)}`, value);
    } else kept.append(key, value);
    if (subnet !== undefined) kept.append(`Subnets.${subnet}`, value);
    if (action !== undefined) kept.append(`${action}.TargetGroupArn`, value);
  }
  return kept.toString();
}

/**
 * An answer as AWS gives it: a load balancer is in the VPC of its subnets, a target group has versions, and a resource without a web
 * ACL is no error.
 */
function asSaid(status: number, text: string, vpc: string): [status: number, text: string] {
  if (text.includes('WAFNonexistentItemException')) return [200, '{}'];
  const versions = '<ProtocolVersion>HTTP1</ProtocolVersion><IpAddressType>ipv4</IpAddressType>';
  const placed = text.replaceAll('<VpcId>vpc-00000001</VpcId>', `<VpcId>${vpc}</VpcId>`);
  return [status, placed.replaceAll('</TargetType></member>', `</TargetType>${versions}</member>`)];
}

/** @returns its address */
export async function startCloserToAws(emulator: string, vpc: string): Promise<{ endpoint: string; close(): void }> {
  const pass = async ({ method, url, headers }: IncomingMessage, body: string) => {
    const { host: _, 'content-length': __, connection: ___, ...kept } = headers;
    const said = await fetch(`${emulator}${url}`, {
      method: method as string,
      headers: kept as Record<string, string>,
      ...(body === '' ? {} : { body: body.startsWith('Action=') ? asRead(body) : body }),
    });
    const [status, text] = asSaid(said.status, await said.text(), vpc);
    return { status, text, type: said.headers.get('content-type') ?? 'text/xml' };
  };
  const server = createServer((request, answer) => {
    readText(request)
      .then((body) => pass(request, body))
      .then(
        ({ status, type, text }) => answer.writeHead(status, { 'Content-Type': type }).end(text),
        (error: Error) => answer.writeHead(502).end(error.message),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.close(),
  };
}
