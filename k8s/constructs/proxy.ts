// Nginx in the pod, between load balancer and service: a sidecar that starts before the service and stops after it.
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels } from './labels.ts';
import { hardenedContainer, type Resources, resources } from './pod.ts';

export interface Sidecar {
  image: string;
  /** Name of the ConfigMap that holds nginx.conf. */
  configName: string;
  /** What that ConfigMap holds; a change of it rolls the pods. */
  config: Readonly<Record<string, string>>;
  /** Where Nginx listens. */
  port: number;
  resources: Resources;
}

export interface ProxyConfigProps {
  namespace: string;
  identity: Identity;
  configName: string;
  /** Where Nginx listens. */
  port: number;
  /** Port of the service in the same pod. */
  httpPort: number;
  /** How long a connection of the load balancer is kept; above its idle time-out. */
  keepAliveSeconds: number;
  requestTimeoutSeconds: number;
}

/** nginx.conf, which passes requests and bodies on as they come and keeps nothing of them. */
export class ProxyConfig extends Construct {
  /** What the ConfigMap holds. */
  readonly data: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: ProxyConfigProps) {
    super(scope, id);
    this.data = { 'nginx.conf': nginxConf(props) };
    new k8s.KubeConfigMap(this, 'config', {
      metadata: { namespace: props.namespace, name: props.configName, labels: labels(props.identity) },
      data: this.data,
    });
  }
}

/** @returns a server that adds itself to X-Forwarded-For; limits of bodies and headers are the service's own affair */
const nginxConf = ({
  port,
  httpPort,
  keepAliveSeconds,
  requestTimeoutSeconds,
}: ProxyConfigProps) => `worker_processes 1;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  server_tokens off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  keepalive_timeout ${keepAliveSeconds}s;
  keepalive_requests 100000;
  client_max_body_size 0;
  large_client_header_buffers 8 16k;
  upstream service {
    server 127.0.0.1:${httpPort};
    keepalive 64;
    keepalive_timeout ${keepAliveSeconds - 10}s;
  }
  server {
    listen ${port};
    location / {
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_connect_timeout 2s;
      proxy_send_timeout ${requestTimeoutSeconds}s;
      proxy_read_timeout ${requestTimeoutSeconds}s;
      proxy_next_upstream off;
    }
  }
}
`;

const tmpMiB = 16;

/** A sidecar in Kubernetes' own sense: it is ended only after the service has drained through it. */
export const proxyContainer = (proxy: Sidecar): k8s.Container => ({
  ...hardenedContainer,
  name: 'proxy',
  image: proxy.image,
  restartPolicy: 'Always',
  command: ['nginx', '-c', '/etc/proxy/nginx.conf', '-g', 'daemon off;'],
  ports: [{ name: 'http', containerPort: proxy.port }],
  resources: resources(proxy.resources),
  startupProbe: { tcpSocket: { port: k8s.IntOrString.fromString('http') }, periodSeconds: 1, failureThreshold: 30 },
  volumeMounts: [
    { name: 'proxy', mountPath: '/etc/proxy', readOnly: true },
    { name: 'proxy-tmp', mountPath: '/tmp' },
  ],
});

export const proxyVolumes = ({ configName }: Sidecar): k8s.Volume[] => [
  { name: 'proxy', configMap: { name: configName } },
  { name: 'proxy-tmp', emptyDir: { sizeLimit: k8s.Quantity.fromString(`${tmpMiB}Mi`) } },
];
