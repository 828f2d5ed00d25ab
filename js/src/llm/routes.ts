/**
 * Where calls go, and the limits on the way: finds or makes the kernel's gates (core/kernel/gate.h) for a tenant, a model of an
 * endpoint, and an endpoint, keeps their settings as the configuration says, and tells the kernel the plan of each call.
 *
 * An endpoint is a server and a key: providers count by key. A model's limits hold for each endpoint that serves it. Where
 * nothing is limited, no gate is made and a call costs nothing more.
 * Invariant: a gate, once made, keeps its number and, but for a tenant's, its meaning. Tenants may be many and come only once:
 * beyond keptTenants, a gate that nothing is left of goes from the tenant seen longest ago to a new one.
 * Partners: `calls.ts`, `fetch-call.ts`; `config.ts`, which checks the settings; `estimate.ts`.
 */

import type { RawExports } from '../engine/module.js';
import { GateKey } from '../protocol.js';
import type { LLMRateLimit, LLMRequest, Provider } from './provider.js';
import { estimateInput, type Tokenizer } from './estimate.js';

/** What may pass in a minute, and at once. What is left out is not limited. */
export interface RateLimits {
  /** Requests in any 60 s, as the provider receives them. At least 1. */
  requestsPerMinute?: number | undefined;
  /** Tokens in any 60 s, in and out: reserved by an estimate, then corrected to the truth. At least 1. */
  tokensPerMinute?: number | undefined;
  /** Requests in flight. At least 1. */
  maxConcurrent?: number | undefined;
}

/** Limits that a provider sets. At the top level: of each model at each endpoint (server and key). */
export interface RateConfig extends RateLimits {
  /** Of these models, instead. */
  models?: Readonly<Record<string, RateLimits>> | undefined;
  /** Of each endpoint (server and key), over all its models. */
  total?: RateLimits | undefined;
  /** Of tenants (a call's `tenant`, else the `key` of its task), over all models; `*` is each one that is not named. */
  tenants?: Readonly<Record<string, RateLimits>> | undefined;
  /** Counts the tokens of a text, for the estimate of a request. An upper bound keeps the limit strict. Default: a token for four
   * bytes of UTF-8. */
  tokenizer?: Tokenizer | undefined;
  /** Tokens reserved for the answer of a request without `maxTokens`. Default 256. */
  outputTokens?: number | undefined;
  /** Longest time that a request is under way to its server: it counts that much longer. Milliseconds, default 1,000. */
  transit?: number | undefined;
}

/** A limit on concurrency that finds itself, for each model of each endpoint: slow start, additive increase, halved by 429, 529 and
 * overload. */
export interface AdaptiveConfig {
  /** Where it begins. Default 1. */
  initial?: number | undefined;
  /** Default 1. */
  min?: number | undefined;
  /** Default 1,000. */
  max?: number | undefined;
}

/** Stops asking an endpoint that fails. */
export interface BreakerConfig {
  /** Faults in a row that open the circuit. Default 5. */
  failures?: number | undefined;
  /** How long nothing is sent then. Milliseconds, default 30,000. */
  pause?: number | undefined;
  /** How many requests try the endpoint after that; all must do well. Default 1. */
  probes?: number | undefined;
}

export interface RouteConfig {
  rates?: RateConfig | undefined;
  adaptive?: AdaptiveConfig | false | undefined;
  breaker?: BreakerConfig | false | undefined;
  maxConcurrentFetches?: number | undefined;
}

/** One entry of a call's plan. */
export interface PlanEntry {
  readonly provider: Provider;
  /** Undefined: the provider's own. */
  readonly model: string | undefined;
}

/** One entry of a call's plan, with what the kernel was told about it. */
export interface RouteEntry extends PlanEntry {
  /** Numbers of the gates of tenant, model and endpoint; 0 is none. */
  readonly gates: readonly [number, number, number];
  /** Tokens reserved, and those of the request alone; 0 where nobody counts. */
  readonly tokens: number;
  readonly inputTokens: number;
}

/** A gate as people see it. */
export interface GateInfo {
  kind: 'tenant' | 'model' | 'endpoint' | 'fetch';
  /** The tenant, the model, or the endpoint's provider and server. */
  name: string;
}

interface Gate extends GateInfo {
  readonly id: number;
  readonly sent: Map<number, number>;
  limits: () => RateLimits;
}

const defaultOutputTokens = 256;
const defaultTransit = 1000;
// Gates of tenants that are kept whatever becomes of them, and how many of the oldest are looked at for a new one.
const keptTenants = 1000;
const lookedAt = 4;
const noLimits: RateLimits = {};

/** @internal */
export class Routes {
  readonly #raw: RawExports;
  readonly #gates: Gate[] = [];
  // All but those of tenants, by kind, scope and name.
  readonly #byName = new Map<string, Gate>();
  // Of tenants, by name: the one seen longest ago first.
  readonly #tenants = new Map<string, Gate>();
  // Weak: a program may make a provider for each call.
  readonly #endpoints = new WeakMap<Provider, string>();
  #unnamed = 0;
  readonly #plain = new WeakMap<Provider, readonly RouteEntry[]>();
  #config: RouteConfig = {};

  constructor(raw: RawExports, config: RouteConfig) {
    this.#raw = raw;
    this.configure(config);
  }

  /** Takes over what is given, for all gates at once. What its owner does to it afterwards changes nothing. */
  configure({ rates, adaptive, breaker, maxConcurrentFetches }: RouteConfig): void {
    const given = { rates: rates && copyOf(rates), adaptive: adaptive && { ...adaptive }, breaker: breaker && { ...breaker }, maxConcurrentFetches };
    for (const [key, value] of Object.entries(given)) {
      if (value !== undefined) this.#config = { ...this.#config, [key]: value };
    }
    for (const gate of this.#gates) this.#send(gate);
  }

  /** What the kernel must know of a call's plan. Throws a ConfigError where the tokenizer does no good; nothing was told then. */
  routesOf(plan: readonly PlanEntry[], request: LLMRequest, tenant: () => string | undefined): readonly RouteEntry[] {
    const { rates, adaptive, breaker } = this.#config;
    if (plan.length === 1 && rates === undefined && !adaptive && !breaker) return this.#unlimited(plan[0]!);
    const counts = rates !== undefined;
    const input = counts ? estimateInput(request, rates.tokenizer) : 0;
    const tokens = counts ? input + (request.maxTokens ?? rates.outputTokens ?? defaultOutputTokens) : 0;
    const tenantGate = rates?.tenants === undefined ? 0 : this.#tenant(tenant());
    return plan.map((entry) => {
      const endpoint = this.endpointOf(entry.provider);
      const gates = this.#gatesOf(endpoint, `${entry.provider.kind} ${endpoint}`, entry.model ?? entry.provider.model, plan.length > 1, tenantGate);
      return { ...entry, gates, tokens, inputTokens: input };
    });
  }

  // One entry for each provider, made once: most calls have no limits of their own.
  #unlimited({ provider, model }: PlanEntry): readonly RouteEntry[] {
    let entry = model === undefined ? this.#plain.get(provider) : undefined;
    if (entry === undefined) {
      entry = [{ provider, model, gates: [0, 0, 0], tokens: 0, inputTokens: 0 }];
      if (model === undefined) this.#plain.set(provider, entry);
    }
    return entry;
  }

  /** Tells the kernel the plan of the next call. */
  tell(routes: readonly RouteEntry[]): void {
    for (const { gates, tokens } of routes) this.#tellRoute(gates, tokens, routes.length > 1);
  }

  /** The same for a request that goes to an endpoint of the caller's own. */
  tellFetch(endpoint: string, model: string, inputTokens: number, outputTokens: number | undefined, tenant: () => string | undefined): Pick<RouteEntry, 'gates' | 'tokens'> {
    const { rates } = this.#config;
    const tenantGate = rates?.tenants === undefined ? 0 : this.#tenant(tenant());
    const gates = this.#gatesOf(endpoint, endpoint, model, false, tenantGate);
    const tokens = rates === undefined ? 0 : inputTokens + (outputTokens ?? rates.outputTokens ?? defaultOutputTokens);
    this.#tellRoute(gates, tokens, false);
    return { gates, tokens };
  }

  /** Lets the next call through the gate of plain fetches. */
  tellPlainFetch(): void {
    const gate = this.#gate('fetch', '', 'fetch', () => ({ maxConcurrent: this.#config.maxConcurrentFetches }));
    this.#raw.hd_route(gate.id, 0, 0, 0);
  }

  /** Whether requests to models pass any gate, and whether plain fetches do. */
  get limitsModels(): boolean {
    const { rates, adaptive, breaker } = this.#config;
    return rates !== undefined || Boolean(adaptive) || Boolean(breaker);
  }

  get limitsFetches(): boolean {
    return this.#config.maxConcurrentFetches !== undefined;
  }

  /** Whether tokens are counted, so that estimates are worth making. */
  get countsTokens(): boolean {
    return this.#config.rates !== undefined;
  }

  get tokenizer(): Tokenizer | undefined {
    return this.#config.rates?.tokenizer;
  }

  /** What a server's headers said, for the gates of the attempt that they answered. */
  report(gates: RouteEntry['gates'], rates: readonly LLMRateLimit[] | undefined): void {
    const [, model, endpoint] = gates;
    const gate = model !== 0 ? model : endpoint;
    if (gate === 0 || rates === undefined || this.#config.rates === undefined) return;
    for (const { counter, remaining, resetMs } of rates) {
      if (remaining !== undefined) this.#raw.hd_server_rate(gate, counter === 'tokens' ? 1 : 0, remaining, resetMs ?? -1);
    }
  }

  /** The fewest tokens a minute that the gates of an entry allow. */
  tokensLimit(gates: RouteEntry['gates']): number {
    return Math.min(...gates.filter((id) => id !== 0).map((id) => this.#gates[id - 1]!.limits().tokensPerMinute ?? Infinity));
  }

  /** What a gate is, by its number. */
  info(id: number): GateInfo {
    const { kind, name } = this.#gates[id - 1]!;
    return { kind, name };
  }

  /** Names an endpoint, without its key. Equal names share limits. */
  endpointOf(provider: Provider): string {
    let name = this.#endpoints.get(provider);
    if (name === undefined) {
      name = (provider as { endpoint?: string }).endpoint ?? `#${++this.#unnamed}`;
      this.#endpoints.set(provider, name);
    }
    return name;
  }

  #tellRoute(gates: RouteEntry['gates'], tokens: number, always: boolean): void {
    if (always || gates[0] !== 0 || gates[1] !== 0 || gates[2] !== 0) this.#raw.hd_route(gates[0], gates[1], gates[2], tokens);
  }

  #gatesOf(endpoint: string, title: string, model: string, isPlanned: boolean, tenant: number): [number, number, number] {
    const { rates, adaptive, breaker } = this.#config;
    const limitsOf = (): RateLimits => entryOf(this.#config.rates?.models, model) ?? this.#config.rates ?? noLimits;
    const needsModel = isPlanned || Boolean(adaptive) || (rates !== undefined && isLimited(limitsOf()));
    const needsEndpoint = Boolean(breaker) || (rates?.total !== undefined && isLimited(rates.total));
    return [
      tenant,
      needsModel ? this.#gate('model', endpoint, model, limitsOf).id : 0,
      needsEndpoint ? this.#gate('endpoint', '', title, () => this.#config.rates?.total ?? noLimits).id : 0,
    ];
  }

  #tenant(tenant: string | undefined): number {
    if (tenant === undefined) return 0;
    const limitsOf = (): RateLimits => entryOf(this.#config.rates?.tenants, tenant) ?? this.#config.rates?.tenants?.['*'] ?? noLimits;
    const known = this.#tenants.get(tenant);
    if (known === undefined && !isLimited(limitsOf())) return 0;
    const gate = known ?? this.#spareTenant(tenant, limitsOf) ?? this.#make('tenant', tenant, limitsOf);
    this.#tenants.delete(tenant);
    this.#tenants.set(tenant, gate);
    return gate.id;
  }

  // The gate of a tenant that has not been seen for long, for another one.
  #spareTenant(tenant: string, limits: () => RateLimits): Gate | undefined {
    if (this.#tenants.size < keptTenants) return undefined;
    let looked = 0;
    for (const [name, gate] of this.#tenants) {
      if (this.#raw.hd_gate_is_idle(gate.id) !== 0) {
        this.#tenants.delete(name);
        gate.name = tenant;
        gate.limits = limits;
        this.#send(gate);
        return gate;
      }
      if (++looked === lookedAt) return undefined;
    }
    return undefined;
  }

  #gate(kind: GateInfo['kind'], scope: string, name: string, limits: () => RateLimits): Gate {
    const key = `${kind}\0${scope}\0${name}`;
    let gate = this.#byName.get(key);
    if (gate === undefined) this.#byName.set(key, (gate = this.#make(kind, name, limits)));
    return gate;
  }

  #make(kind: GateInfo['kind'], name: string, limits: () => RateLimits): Gate {
    const gate: Gate = { id: this.#gates.length + 1, kind, name, sent: new Map(), limits };
    this.#gates.push(gate);
    this.#send(gate);
    return gate;
  }

  #send(gate: Gate): void {
    const { rates, adaptive, breaker } = this.#config;
    const { requestsPerMinute = 0, tokensPerMinute = 0, maxConcurrent = 0 } = gate.limits();
    this.#set(gate, GateKey.maxInside, finite(maxConcurrent));
    this.#set(gate, GateKey.requests, finite(requestsPerMinute));
    this.#set(gate, GateKey.tokens, finite(tokensPerMinute));
    this.#set(gate, GateKey.transit, rates?.transit ?? defaultTransit);
    if (gate.kind === 'model' && adaptive === false && gate.sent.has(GateKey.adaptiveMax)) this.#set(gate, GateKey.adaptiveMax, 0);
    if (gate.kind === 'model' && adaptive) {
      const { initial = 1, min = 1, max = 1000 } = adaptive;
      if (!gate.sent.has(GateKey.adaptiveInitial)) this.#set(gate, GateKey.adaptiveInitial, initial);
      this.#set(gate, GateKey.adaptiveMin, min);
      // 0 would switch it off.
      this.#set(gate, GateKey.adaptiveMax, Math.min(max, 2 ** 32 - 1));
    }
    if (gate.kind === 'endpoint' && breaker === false && gate.sent.has(GateKey.breakerFailures)) this.#set(gate, GateKey.breakerFailures, 0);
    if (gate.kind === 'endpoint' && breaker) {
      const { failures = 5, pause = 30_000, probes = 1 } = breaker;
      this.#set(gate, GateKey.breakerProbes, probes);
      this.#set(gate, GateKey.breakerPause, pause);
      this.#set(gate, GateKey.breakerFailures, finite(failures));
    }
  }

  #set(gate: Gate, key: number, value: number): void {
    if (gate.sent.get(key) === value) return;
    gate.sent.set(key, value);
    this.#raw.hd_gate(gate.id, key, value);
  }
}

// Names come from outside: one like `constructor` must not find what every object has.
const entryOf = (table: Readonly<Record<string, RateLimits>> | undefined, name: string): RateLimits | undefined =>
  table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;

const copiesOf = (table: Readonly<Record<string, RateLimits>> | undefined): Record<string, RateLimits> | undefined =>
  table && Object.fromEntries(Object.entries(table).map(([name, limits]) => [name, limits && { ...limits }]));

const copyOf = (rates: RateConfig): RateConfig => ({
  ...rates,
  total: rates.total && { ...rates.total },
  models: copiesOf(rates.models),
  tenants: copiesOf(rates.tenants),
});

const isLimited = ({ requestsPerMinute, tokensPerMinute, maxConcurrent }: RateLimits): boolean =>
  (requestsPerMinute ?? Infinity) !== Infinity || (tokensPerMinute ?? Infinity) !== Infinity || (maxConcurrent ?? Infinity) !== Infinity;

// The kernel knows no limit as 0.
const finite = (value: number): number => (value === Infinity ? 0 : value);
