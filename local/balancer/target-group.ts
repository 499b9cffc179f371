// The targets of the balancer: which are registered, healthy or draining, and whose turn it is.
import { Agent } from 'node:http';
import { type Health, type HealthCheck, type HealthCheckSettings, watchHealth } from './health.ts';

export interface TargetAddress {
  host: string;
  port: number;
}

/** What can be seen of a target. */
export interface TargetView extends TargetAddress {
  state: Health | 'draining';
  /** Why the last health check failed; empty after a success. */
  reason: string;
  /** Requests that it is answering now. */
  inFlight: number;
  /** Requests that it was given so far. */
  requests: number;
}

/** A target as the forwarder uses it. */
export interface Target extends TargetAddress {
  /** Connections to it, kept alive. */
  readonly agent: Agent;
  /** Counts a request in; returns what counts it out. `cut` is called when the deregistration delay is over. */
  begin(cut: () => void): () => void;
}

interface Member extends Target {
  readonly check: HealthCheck;
  readonly cuts: Set<() => void>;
  draining: boolean;
  requests: number;
  timer?: NodeJS.Timeout;
}

export interface TargetGroup {
  /** Registers and deregisters until exactly these are registered. One that drains and is named again starts anew as initial. */
  set(addresses: readonly TargetAddress[]): void;
  /** The healthy target whose turn it is. */
  next(): Target | undefined;
  view(): TargetView[];
  /** Ends health checks and connections; requests in flight are cut. */
  close(): void;
}

/**
 * @param idleMs a connection to a target unused for so long is closed
 * @param deregistrationDelayMs how long the requests of a deregistered target may go on
 * @param changed told of each change of health
 */
export function targetGroup(
  health: HealthCheckSettings,
  idleMs: number,
  deregistrationDelayMs: number,
  changed: (target: TargetAddress, health: Health, reason: string) => void,
): TargetGroup {
  const members = new Set<Member>();
  let lastUsed: Member | undefined;

  const remove = (member: Member) => {
    clearTimeout(member.timer);
    for (const cut of member.cuts) cut();
    member.agent.destroy();
    members.delete(member);
  };
  const register = ({ host, port }: TargetAddress) => {
    const agent = new Agent({
      keepAlive: true,
      maxSockets: Number.POSITIVE_INFINITY,
      maxFreeSockets: 1024,
      timeout: idleMs,
    });
    const cuts = new Set<() => void>();
    const member: Member = {
      host,
      port,
      agent,
      cuts,
      draining: false,
      requests: 0,
      check: watchHealth(host, port, health, (state, reason) => changed({ host, port }, state, reason)),
      begin: (cut) => {
        member.requests++;
        cuts.add(cut);
        return () => {
          if (cuts.delete(cut) && cuts.size === 0 && member.draining) remove(member);
        };
      },
    };
    members.add(member);
  };
  const deregister = (member: Member) => {
    member.draining = true;
    member.check.stop();
    if (member.cuts.size === 0) remove(member);
    else member.timer = setTimeout(() => remove(member), deregistrationDelayMs);
  };

  return {
    set: (addresses) => {
      const same = (member: Member) => (address: TargetAddress) =>
        member.host === address.host && member.port === address.port;
      const registered = [...members].filter((member) => !member.draining);
      for (const member of registered) if (!addresses.some(same(member))) deregister(member);
      for (const address of addresses) if (!registered.some((member) => same(member)(address))) register(address);
    },
    next: () => {
      const order = [...members];
      const from = lastUsed ? order.indexOf(lastUsed) + 1 : 0;
      const turns = [...order.slice(from), ...order.slice(0, from)];
      const target = turns.find((member) => !member.draining && member.check.health === 'healthy');
      if (target) lastUsed = target;
      return target;
    },
    view: () =>
      [...members].map(({ host, port, draining, check, cuts, requests }) => ({
        host,
        port,
        state: draining ? 'draining' : check.health,
        reason: check.reason,
        inFlight: cuts.size,
        requests,
      })),
    close: () => {
      for (const member of members) {
        member.check.stop();
        remove(member);
      }
    },
  };
}
