import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificates } from '../support/certificates.ts';
import { operator } from './support/operator.ts';
import { only, template } from './support/templates.ts';
import { verdict } from './support/waf.ts';

const { machine, loadBalancer, operate } = operator();

describe('/health', () => {
  it('is asked so that the web ACL lets the question pass', async () => {
    const { stdout } = await operate('health', 'production', '');
    expect(stdout).toBe(`http://${loadBalancer.host}`);
    const acl = only(template('production', 'edge'), 'AWS::WAFv2::WebACL');
    const [{ 'user-agent': userAgent = '' } = {}] = loadBalancer.asked;
    expect(verdict(acl, { path: '/health', userAgent })).toBe('allow');
    expect(verdict(acl, { path: '/health', userAgent: '' })).toBe('NoUserAgent_HEADER');
  });

  it('is waited for while kubectl cannot say where it is', async () => {
    machine.answer(
      'kubectl',
      `*) if [ -e asked ]; then echo ${loadBalancer.host}; else touch asked; echo 'token has expired' >&2; exit 1; fi ;;`,
    );
    const { stdout, stderr } = await operate('health', 'staging', '');
    expect({ stdout, stderr }).toEqual({ stdout: `http://${loadBalancer.host}`, stderr: '' });
    machine.answer('kubectl', "*) echo 'token has expired' >&2; exit 1 ;;");
    expect((await operate('health', 'staging', '')).stderr).toContain('kubectl get ingress: token has expired.');
  });

  it('that answers something else is told with what it answered', async () => {
    loadBalancer.status = 503;
    const { status, stderr } = await operate('health', 'staging', '');
    expect(status).toBe(1);
    expect(stderr).toContain(`http://${loadBalancer.host}/health answers 503`);
  });

  it('of a domain whose zone is kept elsewhere is asked of the load balancer, before anybody has pointed the name there', async () => {
    const { caFile, certFile, keyFile } = makeCertificates('api.example.org');
    const asked: unknown[] = [];
    const listener: RequestListener = ({ headers, url }, response) => {
      asked.push([headers.host, url]);
      response.end();
    };
    const secure = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, listener);
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    machine.answer('kubectl', `*) echo 127.0.0.1:${(secure.address() as AddressInfo).port} ;;`);
    const change = { loadBalancer: { domain: 'api.example.org' } };
    const { stdout, stderr } = await operate('health', 'staging', '', change, { NODE_EXTRA_CA_CERTS: caFile });
    await new Promise((resolve) => secure.close(resolve));
    expect({ stdout, stderr }).toEqual({ stdout: 'https://api.example.org', stderr: '' });
    expect(asked).toEqual([['api.example.org', '/health']]);
  });

  it('of an Ingress without address is told so', async () => {
    machine.answer('kubectl');
    const { stderr, calls } = await operate('health', 'staging', '');
    expect(stderr).toContain('the Ingress has no address');
    expect(calls.length).toBeGreaterThan(1);
  });
});
