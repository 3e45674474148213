import type { ExperienceToml, PortToml } from "./experience-schema";
import { didYouMean } from "./names";
import type { Path } from "./problem";
import { resolvePort } from "./resolve-experience";
import type { RuleFinding } from "./rule";

/** A server and the roles beside it share one network, so their port names must differ and what they refer to must exist. */
export function portRules(at: Path, experience: ExperienceToml): readonly RuleFinding[] {
  const roles = Object.entries(experience.roles).map(([name, role]) => ({ name, role, path: [...at, "roles", name] }));
  const beside = roles.filter(({ role }) => role.per === "server");
  const group = [
    { path: at, ports: experience.ports },
    ...beside.map(({ path, role }) => ({ path, ports: role.ports })),
  ];
  const known = group.flatMap(({ ports }) => Object.keys(ports));
  return [
    ...uniqueNames(group),
    ...[
      ...group,
      ...roles.filter(({ role }) => role.per === "fleet").map(({ path, role }) => ({ path, ports: role.ports })),
    ].flatMap(reserved),
    ...fixedPorts(at, experience.ports, experience.kind === "world" ? undefined : MATCH),
    ...roles.flatMap(({ role, path }) => fixedPorts(path, role.ports, staticRefusal(experience, role))),
    ...references(at, experience, known),
    ...roles.flatMap(({ role, path }) =>
      references(path, role, role.per === "server" ? known : Object.keys(role.ports)),
    ),
  ];
}

const MATCH = "is for worlds: several servers of a match on one node would want the same port";

/** Why a role may not have fixed ports; undefined where it may. */
function staticRefusal(experience: ExperienceToml, role: ExperienceToml["roles"][string]): string | undefined {
  if (role.per === "server") return experience.kind === "world" ? undefined : MATCH;
  return role.count === 1 ? undefined : "needs count = 1: several servers on one node would want the same port";
}

interface PortSet {
  readonly path: Path;
  readonly ports: Readonly<Record<string, PortToml>>;
}

function uniqueNames(group: readonly PortSet[]): readonly RuleFinding[] {
  const owners = new Map<string, Path>();
  return group.flatMap(({ path, ports }) =>
    Object.entries(ports).flatMap(([name, value]) => {
      const here = [...path, "ports", name];
      const owner = owners.get(name);
      owners.set(name, owner ?? here);
      if (owner === undefined) return [];
      const problem = "is also the name of another port of the same server, and they share one network";
      return [
        {
          path: here,
          value,
          problem,
          fix: `choose another name: ${String(path.at(-1)).replaceAll("-", "_")}_${name}`,
          about: [owner],
        },
      ];
    }),
  );
}

function reserved({ path, ports }: PortSet): readonly RuleFinding[] {
  if (!Object.hasOwn(ports, "sdk")) return [];
  const problem = "is the port of the SDK, which every server has";
  return [{ path: [...path, "ports", "sdk"], value: ports.sdk, problem, fix: "choose another name" }];
}

function fixedPorts(at: Path, ports: PortSet["ports"], refusal: string | undefined): readonly RuleFinding[] {
  if (refusal === undefined) return [];
  return Object.entries(ports).flatMap(([name, port]) => {
    const value = resolvePort(port).static;
    if (value === undefined) return [];
    const fix = "remove static: each server gets a port of its own and finds it in ${NOMAD_PORT_" + name + "}";
    return [{ path: [...at, "ports", name, "static"], value, problem: refusal, fix, about: [[...at, "kind"]] }];
  });
}

const REFERENCE = /\$\{NOMAD_(?:HOST_)?(?:PORT|ADDR|IP)_([A-Za-z0-9_]+)\}/g;

/** `${NOMAD_PORT_name}` and its kin in args and env must name a port there is. */
function references(
  at: Path,
  task: Pick<ExperienceToml, "args" | "env">,
  known: readonly string[],
): readonly RuleFinding[] {
  const texts = [
    ...task.args.map((text, index) => ({ path: [...at, "args", index], text })),
    ...Object.entries(task.env).map(([name, text]) => ({ path: [...at, "env", name], text })),
  ];
  return texts.flatMap(({ path, text }) =>
    [...text.matchAll(REFERENCE)].flatMap(([reference, name = ""]) => {
      if (name === "sdk" || known.includes(name)) return [];
      const meant = didYouMean(name, known);
      const fix =
        meant === undefined ? `add ${name} to ports` : `did you mean ${reference.replace(`_${name}}`, `_${meant}}`)}?`;
      return [
        { path, value: text, problem: `refers to a port ${name} that is not there`, fix, about: [[...at, "ports"]] },
      ];
    }),
  );
}
