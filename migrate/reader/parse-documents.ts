import { Composer, type CST, type Document, Lexer, LineCounter, Parser } from "yaml";
import { DocumentWalk, positionAt, Refused, tooDeep } from "./document-walk";
import { jsonValues } from "./json-values";
import { LIMITS, type Limits } from "./limits";
import type { Position, SourceDocument, UnreadSource } from "./source-node";

export interface ParsedFile {
  readonly documents: readonly SourceDocument[];
  readonly unread: readonly UnreadSource[];
  /** Maps, lists and scalars that were read. */
  readonly values: number;
}

/** Text that only a template engine reads. */
const GO_TEMPLATE = /\{\{-?\s*(?:[.$/]|(?:include|template|define|if|else|end|range|with|toYaml|tpl|block)\b)/;
/** What no YAML may hold, and Kubernetes refuses. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/**
 * Reads every document of a file, JSON being YAML. A document that is broken is left out and named; the others go on.
 *
 * @param file how the file is called in the ledger
 */
export function parseDocuments(file: string, text: string, limits: Limits = LIMITS): ParsedFile {
  const refuse = (code: UnreadSource["code"], detail: string, doc = 0, at: Position = { line: 1, column: 1 }) =>
    ({ file, doc, code, detail, line: at.line, column: at.column }) as const;
  const control = CONTROL.exec(text);
  if (control !== null) {
    const before = text.slice(0, control.index).split("\n");
    const at = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    return {
      values: 0,
      documents: [],
      unread: [refuse("notYaml", "a control character, which YAML does not allow", 0, at)],
    };
  }
  const lines = new LineCounter();
  const documents: SourceDocument[] = [];
  const unread: UnreadSource[] = [];
  const total = { values: 0 };
  let doc = 0;
  try {
    for (const document of composed(text, lines, limits)) {
      const [error] = document.errors;
      if (error !== undefined) {
        const isTemplate = GO_TEMPLATE.test(text);
        const at = positionAt(lines, error.pos[0]);
        unread.push(refuse(isTemplate ? "goTemplate" : "notYaml", firstLine(error.message), doc, at));
      } else {
        try {
          const walk = new DocumentWalk(lines, total, limits);
          documents.push({ file, doc, root: walk.walk(document.contents, { line: 1, column: 1 }) });
        } catch (problem) {
          if (!(problem instanceof Refused)) throw problem;
          // `{{ .Name }}` without quotes is a map whose key is a map.
          const code = problem.code === "notYaml" && /\{\{/.test(text) ? "goTemplate" : problem.code;
          unread.push(refuse(code, problem.message, doc, problem.at));
        }
      }
      doc += 1;
    }
  } catch (problem) {
    if (!(problem instanceof Refused)) throw problem;
    unread.push(refuse(problem.code, `${problem.message}; nothing of the file is read from here on`, doc, problem.at));
  }
  return { documents, unread, values: total.values };
}

/** Documents one after the other, so that only one is held as the library's nodes; stops where a limit is passed. */
function* composed(text: string, lines: LineCounter, limits: Limits): Generator<Document.Parsed> {
  // Failsafe: every scalar stays text, and its meaning is decided by `resolveScalar`.
  const composer = new Composer({
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    keepSourceTokens: false,
  });
  let refused: Refused | undefined;
  try {
    for (const token of tokens(text, lines, limits)) yield* composer.next(token);
  } catch (problem) {
    if (!(problem instanceof Refused)) throw problem;
    refused = problem;
  }
  // The composer keeps a document until it has seen what comes behind it.
  yield* composer.end();
  if (refused !== undefined) throw refused;
}

/** What `Parser.parse` does, with the limits looked at after each word, before a tree is made of them. */
function* tokens(text: string, lines: LineCounter, limits: Limits): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let documents = 0;
  let lexemes = 0;
  const at = (): Position => positionAt(lines, parser.offset);
  function* counted(read: Iterable<CST.Token>): Generator<CST.Token> {
    for (const token of read) {
      if (token.type === "document") {
        documents += 1;
        lexemes = 0;
        if (documents > limits.documents)
          throw new Refused("tooLarge", `more than ${limits.documents} documents in one file`, at());
      }
      yield token;
    }
  }
  for (const piece of jsonValues(text)) {
    for (const lexeme of new Lexer().lex(piece)) {
      lexemes += 1;
      if (lexeme.length > limits.scalarCharacters)
        throw new Refused("tooLarge", `a key or value of more than ${limits.scalarCharacters} characters`, at());
      if (lexemes > limits.lexemes)
        throw new Refused("tooLarge", `more than ${limits.lexemes} words and signs in one document`, at());
      // The document itself, and the scalar that is being read, are on the stack too.
      if (parser.stack.length > limits.depth + 4) throw new Refused("tooDeep", tooDeep(limits), at());
      yield* counted(parser.next(lexeme));
    }
    yield* counted(parser.end());
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
