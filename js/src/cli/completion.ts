/** What the tab key offers: names of the language and of its concurrency, and what the session defined. */

const names =
  'and await await-all await-any async begin call-with-current-continuation call/cc cancel car cdr case case-lambda condition-code cond cons define ' +
  'define-record-type define-syntax define-values delay delay-ms display do dynamic-wind effect eq? equal? eqv? error error-object-irritants ' +
  'error-object-message error-object? fiber.select fiber/join fiber/spawn fiber/yield filter fold for-each guard hash-table-ref hash-table-ref/default ' +
  'hash-table-set! hash-table? if import json->value lambda length let let* let*-values let-values letrec list list->vector list-ref list-sort llm.infer ' +
  'majority-vote make-hash-table make-vector map newline not null? number->string or parallel parallel-do parallel-filter parallel-map parameterize ' +
  'quasiquote quote raise raise-continuable reverse set! string->number string->symbol string-append string-length string? substring symbol->string ' +
  'syntax-rules unless value->json values vector vector-length vector-map vector-ref vector-set! when with-exception-handler with-scope with-timeout ' +
  'write writeln yield';

/** Names of the language that are worth completing. */
export const standard = names.split(' ');
const wordAtEnd = /[^\s()[\]"';`,]*$/;
const definition = /\(define[\w-]*\s+\(?\s*([^\s()]+)/g;

/** As readline's completer gives it: the candidates, and what they complete. */
export function completionsOf(line: string, session: Iterable<string>): [string[], string] {
  const word = wordAtEnd.exec(line)![0];
  if (word === '') return [[], word];
  const known = new Set(standard);
  for (const text of session) for (const [, name] of text.matchAll(definition)) known.add(name!);
  return [[...known].filter((name) => name.startsWith(word)).sort(), word];
}
