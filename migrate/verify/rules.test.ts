import { jobJson } from "../emit/job-json";
import { deployment, migrateText, onlyJob } from "../for-test";
import type { Json } from "./finding";
import { brokenRules } from "./rules";

const SERVICE =
  "---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { selector: { app: web }, ports: [{ port: 80 }] }\n";
const container = "ports: [{ containerPort: 80 }]\n          readinessProbe: { httpGet: { port: 80 } }";

/** A good job with one text of its JSON replaced. */
function broken(from: string, to: string): readonly string[] {
  const text = JSON.stringify(jobJson(onlyJob(migrateText(deployment({ container }) + SERVICE))));
  expect(text).toContain(from);
  return brokenRules((JSON.parse(text.replace(from, () => to)) as { readonly Job: Json }).Job);
}

test.each([
  ['"ID":"web"', '"ID":"w b"', 'the ID "w b" holds a space'],
  ['"Type":"service"', '"Type":"daemon"', expect.stringContaining("Type: Invalid option")],
  ['"MemoryMB":512', '"MemoryMB":9', "task main: memory is 10 MiB at least"],
  ['"CPU":200', '"CPU":0', "task main: cpu is 1 MHz at least"],
  ['"image":"nginx:1.27"', '"image":""', "task main: docker needs image"],
  ['"Label":"p80"', '"Label":"P 80"', 'service web: the group has no port "p80"'],
  [
    '"Interval":10000000000',
    '"Interval":1000',
    "service web, check main-readiness: interval and timeout are 1 s at least",
  ],
  ['"Path":"/"', '"Path":"http://x/"', "service web, check main-readiness: it needs a path without a host"],
  ['"Path":"/"', '"Path":"/%x"', "service web, check main-readiness: its path is no URL's"],
  [
    '"Services":[',
    '"Services":[{"Name":"web","PortLabel":"p80","Provider":"consul"},',
    "service with its port web:p80 stands twice",
  ],
  ['"Type":"http"', '"Type":"udp"', "service web, check main-readiness: consul runs no check of type udp"],
  [
    '"HealthyDeadline":300000000000',
    '"HealthyDeadline":0',
    "update: min_healthy_time has to be below healthy_deadline",
  ],
  ['"Name":"web","PortLabel"', '"Name":"w_b","PortLabel"', "service w_b: no name that DNS takes"],
  ['"Driver":"docker"', '"Lifecycle":{"Hook":"prestart"},"Driver":"docker"', "a group needs a task that is no hook"],
  [
    '"Driver":"docker"',
    '"Driver":"docker","VolumeMounts":[{"Volume":"v","Destination":"/v"}]',
    'task main: the group has no volume "v"',
  ],
  [
    '"Driver":"docker"',
    '"Driver":"docker","Templates":[{"EmbeddedTmpl":"x","DestPath":"../x"}]',
    'task main: a template leads out to "../x"',
  ],
  ['"Count":1', '"Count":1,"Scaling":{"Min":2,"Max":3}', "count 1 is outside of scaling, 2 to 3"],
])("%s as %s", (from, to, problem) => expect(broken(from, to)[0]).toEqual(problem));

test("nothing against what forge migrate writes", () => expect(broken("nginx", "nginx")).toEqual([]));
