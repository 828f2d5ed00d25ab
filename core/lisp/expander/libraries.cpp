#include "lisp/expander/libraries.h"

#include <algorithm>

#include "lisp/expander/environment.h"
#include "lisp/text/printer.h"

namespace heddle::lisp {

const LanguageLibrary kLanguageLibraries[] = {
    {"(heddle)", ""},
    {"(scheme base)",
     "* + - ... / < <= = => > >= _ abs and append apply assoc assq assv begin binary-port? boolean=? boolean? "
     "bytevector bytevector-append bytevector-copy bytevector-copy! bytevector-length bytevector-u8-ref "
     "bytevector-u8-set! bytevector? caar cadr call-with-current-continuation call-with-port call-with-values "
     "call/cc car case cdar cddr cdr ceiling char->integer char-ready? char<=? char<? char=? char>=? char>? "
     "char? close-input-port close-output-port close-port complex? cond cond-expand cons current-error-port "
     "current-input-port current-output-port define define-record-type define-syntax define-values denominator "
     "do dynamic-wind else eof-object eof-object? eq? equal? eqv? error error-object-irritants "
     "error-object-message error-object? even? exact exact-integer-sqrt exact-integer? exact? expt features "
     "file-error? floor floor-quotient floor-remainder floor/ flush-output-port for-each gcd "
     "get-output-bytevector get-output-string guard if include include-ci inexact inexact? input-port-open? "
     "input-port? integer->char integer? lambda lcm length let let* let*-values let-syntax let-values letrec "
     "letrec* letrec-syntax list list->string list->vector list-copy list-ref list-set! list-tail list? "
     "make-bytevector make-list make-parameter make-string make-vector map max member memq memv min modulo "
     "negative? newline not null? number->string number? numerator odd? open-input-bytevector "
     "open-input-string open-output-bytevector open-output-string or output-port-open? output-port? pair? "
     "parameterize peek-char peek-u8 positive? procedure? quasiquote quote quotient raise raise-continuable "
     "rational? rationalize read-bytevector read-bytevector! read-char read-error? read-line read-string "
     "read-u8 real? remainder reverse round set! set-car! set-cdr! square string string->list string->number "
     "string->symbol string->utf8 string->vector string-append string-copy string-copy! string-fill! "
     "string-for-each string-length string-map string-ref string-set! string<=? string<? string=? string>=? "
     "string>? string? substring symbol->string symbol=? symbol? syntax-error syntax-rules textual-port? "
     "truncate truncate-quotient truncate-remainder truncate/ u8-ready? unless unquote unquote-splicing "
     "utf8->string values vector vector->list vector->string vector-append vector-copy vector-copy! "
     "vector-fill! vector-for-each vector-length vector-map vector-ref vector-set! vector? when "
     "with-exception-handler write-bytevector write-char write-string write-u8 zero?"},
    {"(scheme case-lambda)", "case-lambda"},
    {"(scheme char)",
     "char-alphabetic? char-ci<=? char-ci<? char-ci=? char-ci>=? char-ci>? char-downcase char-foldcase "
     "char-lower-case? char-numeric? char-upcase char-upper-case? char-whitespace? digit-value string-ci<=? "
     "string-ci<? string-ci=? string-ci>=? string-ci>? string-downcase string-foldcase string-upcase"},
    {"(scheme cxr)",
     "caaaar caaadr caaar caadar caaddr caadr cadaar cadadr cadar caddar cadddr caddr cdaaar cdaadr cdaar "
     "cdadar cdaddr cdadr cddaar cddadr cddar cdddar cddddr cdddr"},
    {"(scheme eval)", "environment eval"},
    {"(scheme inexact)", "acos asin atan cos exp finite? infinite? log nan? sin sqrt tan"},
    {"(scheme lazy)", "delay delay-force force make-promise promise?"},
    {"(scheme r5rs)",
     "* + - ... / < <= = => > >= _ abs acos and append apply asin assoc assq assv atan begin boolean? caaaar "
     "caaadr caaar caadar caaddr caadr caar cadaar cadadr cadar caddar cadddr caddr cadr "
     "call-with-current-continuation call-with-input-file call-with-output-file call-with-values car case cdaaar "
     "cdaadr cdaar cdadar cdaddr cdadr cdar "
     "cddaar cddadr cddar cdddar cddddr cdddr cddr cdr ceiling char->integer char-alphabetic? char-ci<=? "
     "char-ci<? char-ci=? char-ci>=? char-ci>? char-downcase char-lower-case? char-numeric? char-ready? "
     "char-upcase char-upper-case? char-whitespace? char<=? char<? char=? char>=? char>? char? "
     "close-input-port close-output-port complex? cond cons cos current-input-port current-output-port define "
     "define-syntax delay denominator display do dynamic-wind else eof-object? eq? equal? eqv? eval even? "
     "exact->inexact exact? exp expt floor for-each force gcd if inexact->exact inexact? input-port? "
     "integer->char integer? interaction-environment lambda lcm length let let* let-syntax letrec "
     "letrec-syntax list list->string list->vector list-ref list-tail list? load log make-string make-vector map "
     "max member memq memv min modulo negative? newline not null-environment null? number->string number? "
     "numerator odd? open-input-file open-output-file or output-port? pair? peek-char positive? procedure? quasiquote "
     "quote quotient rational? "
     "rationalize read read-char real? remainder reverse round scheme-report-environment set! set-car! "
     "set-cdr! sin sqrt string string->list string->number string->symbol string-append string-ci<=? "
     "string-ci<? string-ci=? string-ci>=? string-ci>? string-copy string-fill! string-length string-ref "
     "string-set! string<=? string<? string=? string>=? string>? string? substring symbol->string symbol? "
     "syntax-rules tan truncate unquote unquote-splicing values vector vector->list vector-fill! vector-length "
     "vector-ref vector-set! vector? with-input-from-file with-output-to-file write write-char zero?"},
    {"(scheme read)", "read"},
    {"(scheme repl)", "interaction-environment"},
    {"(scheme time)", "current-jiffy current-second jiffies-per-second"},
    {"(scheme write)", "display write write-shared write-simple"},
    {"(srfi 69)",
     "alist->hash-table hash hash-by-identity hash-table->alist hash-table-copy hash-table-delete! "
     "hash-table-equivalence-function hash-table-exists? hash-table-fold hash-table-hash-function "
     "hash-table-keys hash-table-merge! hash-table-ref hash-table-ref/default hash-table-set! hash-table-size "
     "hash-table-update! hash-table-update!/default hash-table-values hash-table-walk hash-table? "
     "make-hash-table string-ci-hash string-hash"},
};
const std::size_t kLanguageLibraryCount = std::size(kLanguageLibraries);

const std::string_view kFeatures = "r7rs exact-closed full-unicode heddle ieee-float ratios";

namespace {

constexpr RefusedLibrary kRefused[] = {
    {"(scheme complex)", "SyntaxError", "there are no complex numbers"},
    {"(scheme file)", "CapabilityViolation", "files need a capability that this program does not have"},
    {"(scheme load)", "CapabilityViolation", "files need a capability that this program does not have"},
    {"(scheme process-context)", "CapabilityViolation",
     "the process needs a capability that this program does not have"},
};

void export_names(Machine& machine, Value exports, std::string_view names) {
  Heap& heap = machine.heap();
  for_each_word(names, [&](std::string_view name) {
    const Value symbol = heap.symbol(name);
    bind(heap, exports, symbol, refer(heap, machine.core(), symbol));
  });
}

// Made when it is first asked for.
Value language_library(Machine& machine, Value key, Value name) {
  const std::string text = written(name);
  const LanguageLibrary* end = kLanguageLibraries + kLanguageLibraryCount;
  const LanguageLibrary* found =
      std::find_if(kLanguageLibraries, end, [&](const LanguageLibrary& library) { return library.name == text; });
  if (found == end) return kUndefined;
  Heap& heap = machine.heap();
  auto* library = heap.make<Library>(Type::kLibrary, sizeof(Library));
  library->name = name;
  library->environment = machine.core();
  library->body = kFalse;
  const Value imports = found->names.empty() ? machine.core() : kFalse;
  const Value exports = make_environment(heap, EnvironmentKind::kTable, imports);
  heap.write(library->exports, exports);
  export_names(machine, exports, found->names);
  bind(heap, as<Environment>(machine.core())->libraries, key, Value::object(library));
  return Value::object(library);
}

}  // namespace

const RefusedLibrary* find_refused(std::string_view name) {
  for (const RefusedLibrary& refused : kRefused) {
    if (refused.name == name) return &refused;
  }
  return nullptr;
}

Value find_library(Machine& machine, Value environment, Value name) {
  const Value key = machine.heap().symbol(written(name));
  const Value libraries = as<Environment>(environment)->libraries;
  if (libraries.is_true()) {
    const Value own = find_own(libraries, key);
    if (own != kUndefined) return own;
  }
  const Value made = find_own(as<Environment>(machine.core())->libraries, key);
  return made == kUndefined ? language_library(machine, key, name) : made;
}

}  // namespace heddle::lisp
