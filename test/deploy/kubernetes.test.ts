import t from 'tap';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  PodMonitor,
  type IPodMonitor,
} from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { Secret, Service, type IServiceSpec, type IPodSpec } from 'kubernetes-models/v1';
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1';
import { NetworkPolicy, type INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget, type IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import ts from 'typescript';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { packageFile } from '../../src/package.ts';
import { runHere } from '../support/command.ts';
import { freePort } from '../support/redis.ts';

const folder = packageFile('config/kubernetes');
const read = (file: string) => parse(readFileSync(join(folder, file), 'utf8')) as unknown;

type Kustomization = {
  resources: string[];
  configMapGenerator: { name: string; files: string[]; options: object }[];
  images: { name: string }[];
};
const kustomization = read('kustomization.yaml') as Kustomization;
const [generated] = kustomization.configMapGenerator;

type Manifest = { kind: string; metadata: { name: string } };
const manifests = [...kustomization.resources, 'secret.yaml'].map((file) => read(file) as Manifest);
const manifest = (kind: string): unknown => manifests.find((one) => one.kind === kind);
const deployment = manifest('Deployment') as Required<IDeployment>;
const pod = deployment.spec.template.spec as IPodSpec;
const service = manifest('Service') as { spec: IServiceSpec };
const networkPolicy = manifest('NetworkPolicy') as Required<INetworkPolicy>;
const budget = manifest('PodDisruptionBudget') as Required<IPodDisruptionBudget>;
const podMonitor = manifest('PodMonitor') as IPodMonitor;
const secret = manifest('Secret') as Manifest & { stringData: object };

/** Kubernetes' types, made from what it publishes, by kind: a validator, and where its type is. */
const kinds = {
  Deployment: [Deployment, 'kubernetes-models/apps/v1'],
  Service: [Service, 'kubernetes-models/v1'],
  Secret: [Secret, 'kubernetes-models/v1'],
  NetworkPolicy: [NetworkPolicy, 'kubernetes-models/networking.k8s.io/v1'],
  PodDisruptionBudget: [PodDisruptionBudget, 'kubernetes-models/policy/v1'],
  PodMonitor: [PodMonitor, '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'],
} as const;

/** What the compiler has to say of manifests as literals of their types: unlike validators, it minds unknown keys. */
function misfits(folder: string, given: readonly Manifest[]): string[] {
  const file = join(folder, 'manifests.ts');
  const source = given.map((one, i) => {
    const [, module] = kinds[one.kind as keyof typeof kinds];
    return `export const _${i}: import('${module}').I${one.kind} = ${JSON.stringify(one)};`;
  });
  const host = ts.createCompilerHost({});
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
  };
  const readFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, source.join('\n'), rest[0]) : readFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

await t.test("the manifests are what Kubernetes' types say", async (t) => {
  for (const one of manifests) {
    const [Kind] = kinds[one.kind as keyof typeof kinds];
    t.doesNotThrow(() => new Kind(one as never).validate(), one.kind);
  }
  const mistyped = structuredClone(deployment);
  Object.assign(mistyped.spec.template.spec?.initContainers?.[0] ?? {}, { restartPolcy: 'Always' });
  const said = misfits(packageFile('test'), [...manifests, mistyped as Manifest]);
  t.equal(said.length, 1, said.join('\n'));
  t.match(said[0], /restartPolcy/, 'nothing but the mistake that was made on purpose');
});

await t.test('whatever one file names, another has', async (t) => {
  const containers = [...(pod.initContainers ?? []), ...pod.containers];

  const named = [...kustomization.resources, ...(generated?.files ?? [])];
  t.strictSame(
    readdirSync(folder).toSorted(),
    [...named, 'kustomization.yaml', 'secret.yaml'].toSorted(),
    'files',
  );
  t.strictSame(
    pod.volumes?.map(({ configMap }) => configMap?.name),
    [generated?.name],
  );
  t.match(generated, { options: { disableNameSuffixHash: true } }, 'or an edit would not reach what runs');
  for (const { volumeMounts = [] } of containers)
    for (const { name, subPath } of volumeMounts) {
      t.ok(
        pod.volumes?.some((volume) => volume.name === name),
        `volume ${name}`,
      );
      t.equal(subPath, undefined, 'or an edit would not reach it');
    }
  const images = kustomization.images.map(({ name }) => name);
  t.strictSame(new Set(containers.map(({ image }) => image)), new Set(images), 'images');

  const keys = new Set(Object.keys(secret.stringData));
  const wanted = [
    ...containers.flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.secretKeyRef)),
    ...(podMonitor.spec.podMetricsEndpoints?.map((one) => one.authorization?.credentials) ?? []),
  ];
  t.equal(wanted.length, 2);
  for (const ref of wanted)
    t.ok(ref?.name === secret.metadata.name && keys.has(ref.key), `secret ${ref?.name}`);

  const { labels } = deployment.spec.template.metadata ?? {};
  const selectors = [
    deployment.spec.selector.matchLabels,
    service.spec.selector,
    networkPolicy.spec.podSelector?.matchLabels,
    budget.spec.selector?.matchLabels,
    podMonitor.spec.selector.matchLabels,
  ];
  for (const selector of selectors) t.strictSame(selector, labels, 'a selector finds the pods');

  const ports = new Set(containers.flatMap((one) => one.ports ?? []).map(({ name }) => name));
  const { ingress = [] } = networkPolicy.spec;
  const asked = [
    ...(service.spec.ports ?? []).map(({ targetPort }) => targetPort),
    ...ingress.flatMap((rule) => rule.ports ?? []).map(({ port }) => port),
    ...(podMonitor.spec.podMetricsEndpoints ?? []).map(({ port }) => port),
  ];
  for (const port of asked) t.ok(ports.has(String(port)), `port ${port}`);
});

await t.test('the ConfigMap holds a configuration that fits its pod', async (t) => {
  const file = join(folder, 'trenchcoat.yaml');
  const [proxy] = pod.initContainers ?? [];
  const [app] = pod.containers;
  const env = Object.fromEntries((proxy?.env ?? []).map(({ name }) => [name, 'a-token']));

  const { config } = await loadConfig(file, env);
  const port = (name: string) => proxy?.ports?.find((one) => one.name === name)?.containerPort;
  t.equal(config.listen.port, port('proxy'));
  t.equal(config.admin?.address.port, port('admin'));
  t.equal(proxy?.volumeMounts?.[0]?.mountPath, '/etc/trenchcoat', 'where the image looks for it');
  for (const { url } of Object.values(config.upstreams))
    t.equal(Number(url.port), app?.ports?.[0]?.containerPort);

  const seconds = (config.shutdown.delay + config.shutdown.drain) / 1000;
  const preStop = app?.lifecycle?.preStop?.sleep?.seconds ?? 0;
  t.ok(preStop > 0);
  t.ok(config.shutdown.delay > 0);
  t.ok(preStop + seconds < (pod.terminationGracePeriodSeconds ?? 0), 'there is time for all of the end');

  process.env['TRENCHCOAT_ADMIN_TOKEN'] = 'a-token';
  t.teardown(() => delete process.env['TRENCHCOAT_ADMIN_TOKEN']);
  t.match(await runHere(t, ['check', '-c', file]), { code: 0, stderr: '' });
});

await t.test('its probes are commands of the program', async (t) => {
  const [proxy] = pod.initContainers ?? [];
  const probes = [proxy?.startupProbe, proxy?.livenessProbe, proxy?.readinessProbe];
  const nobody = `http://127.0.0.1:${await freePort()}`;
  for (const probe of probes) {
    const [program, ...args] = probe?.exec?.command ?? [];
    t.equal(program, 'trenchcoat');
    t.equal(
      args.at(-1),
      `http://127.0.0.1:${proxy?.ports?.find(({ name }) => name === 'admin')?.containerPort}`,
    );
    t.match(await runHere(t, [...args.slice(0, -1), nobody]), { code: 2, stderr: /nothing listens/ });
    t.ok((probe?.timeoutSeconds ?? 1) > 1, 'it may take as long as the probe itself, and the start of Node');
  }
});
