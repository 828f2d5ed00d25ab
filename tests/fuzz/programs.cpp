// The grammar of programs.h. Long because most of it is the templates, which have to name what the language has.
#include "programs.h"

#include <span>
#include <vector>

namespace heddle::fuzz {
namespace {

// In a template a letter behind % stands for something to make: e an expression, v a variable, s something to do with
// a variable that may be of any type, n a number, i a small index, d a datum, p a procedure of one argument, q of two,
// t a thunk, m a macro's use, c a guard's clause. %% is %.

constexpr std::string_view kBegin =
    "(define a 1) (define b (list 1 2 3)) (define c (vector 1 \"two\" 'three)) (define d (string-copy \"string\"))"
    " (define h (make-hash-table)) (hash-table-set! h 'a 1) (hash-table-set! h \"b\" 2) (define k #f)"
    " (define x (make-parameter 10)) (define (f . rest) (if (pair? rest) (car rest) 0)) (define count 0)"
    " (define (g y) (set! count (+ count 1)) (if (< count 20) (f y) y)) (define u (bytevector 1 2 3))"
    " (define-record-type point (make-point px py) point? (px get-px set-px!) (py get-py)) (define r (make-point 1 2))"
    " (define-syntax swap! (syntax-rules () ((_ l r) (let ((t l)) (set! l r) (set! r t)))))"
    " (define-syntax my-or (syntax-rules () ((_) #f) ((_ e) e) ((_ e o ...) (let ((t e)) (if t t (my-or o ...))))))"
    " (define-syntax while (syntax-rules () ((_ c b ...) (let lp () (when c b ... (lp))))))"
    " (define in (open-input-string \"(a b) #(1 2) \\\"s\\\" 12 #\\\\x\")) (define out (open-output-string))"
    " (define w (delay (begin (set! count (+ count 1)) count)))\n";

constexpr std::string_view kVariables[] = {"a", "b", "c", "d",  "h",   "k", "x",    "f",
                                           "g", "u", "r", "in", "out", "w", "count"};

constexpr std::string_view kNumbers[] = {"0",
                                         "1",
                                         "-1",
                                         "2",
                                         "7",
                                         "10",
                                         "255",
                                         "256",
                                         "1/2",
                                         "-7/3",
                                         "0.5",
                                         "-0.0",
                                         "+inf.0",
                                         "-inf.0",
                                         "+nan.0",
                                         "1e300",
                                         "1e-320",
                                         "4611686018427387903",
                                         "-4611686018427387904",
                                         "4611686018427387904",
                                         "9223372036854775807",
                                         "9007199254740993",
                                         "123456789012345678901234567890",
                                         "-340282366920938463463374607431768211456",
                                         "(expt 2 200)",
                                         "(expt 3 -50)",
                                         "(exact->inexact 1/3)",
                                         "(expt 7 300)",
                                         "1000000",
                                         "100000000000",
                                         "4294967296",
                                         "65536"};

constexpr std::string_view kData[] = {"()",
                                      "#t",
                                      "#f",
                                      "a",
                                      "\"\"",
                                      "\"text\"",
                                      "\"\\x1F600;\\x0;\"",
                                      "#\\x",
                                      "#\\x10FFFF",
                                      "#u8(1 2 255)",
                                      "#(1 a \"s\")",
                                      "(1 . 2)",
                                      "(a b c)",
                                      "((a . 1) (b . 2))",
                                      "#0=(1 . #0#)",
                                      "#0=#(#0# 1)",
                                      "(quote x)",
                                      "(1 (2 (3 (4))))",
                                      "|odd name|",
                                      "(#0=(1) #0#)",
                                      ":key",
                                      "(lambda (x) x)",
                                      "(begin (define z 1) z)",
                                      "(1 2 3 4 5 6 7 8 9 10)"};

constexpr std::string_view kExpressions[] = {
    "%v",
    "%v",
    "%n",
    "'%d",
    "%s",
    "%s",
    "%m",
    "(if %e %e %e)",
    "(let ((y %e) (z %e)) %e %e)",
    "(let* ((y %e) (z (list y y))) %e)",
    "(letrec ((y %p) (z (lambda () (y 1)))) (y %e))",
    "(let loop ((i 0) (y %e)) (if (< i %i) (loop (+ i 1) (list y %e)) y))",
    "(do ((i 0 (+ i 1)) (y '() (cons %e y))) ((= i %i) y) %s)",
    "(begin %e %e)",
    "(let () (define y %e) (define (z) y) %e (z))",
    "(set! %v %e)",
    "(cond (%e %e) (%e => %p) (else %e))",
    "(case %e ((1 a) %e) ((\"x\" #\\x) => %p) (else %e))",
    "(and %e %e)",
    "(or %e %e)",
    "(when %e %e)",
    "(unless %e %e)",
    "`(1 ,%e ,@%e . ,%e)",
    "`#(,%e ,@(list %e %e))",
    "(guard (e %c) %e)",
    "(guard (e %c) (raise %e))",
    "(guard (e %c) (raise-continuable %e))",
    "(guard (e %c) (error \"m\" %e))",
    "(with-exception-handler %p %t)",
    "(with-exception-handler (lambda (e) (k %e)) %t)",
    "(dynamic-wind %t %t %t)",
    "(call/cc (lambda (j) (set! k j) %e))",
    "(call/cc (lambda (j) (dynamic-wind %t (lambda () (j %e)) %t)))",
    "(if (and (procedure? k) (< count 9)) (begin (set! count (+ count 1)) (k %e)) %e)",
    "(call-with-values %t (lambda y (list y)))",
    "(call-with-values (lambda () (values %e %e)) %q)",
    "(let-values (((y z) (values %e %e)) (o %e)) (list y z o))",
    "(receive (y . z) (values %e %e) (cons z y))",
    "(parameterize ((x %e)) %e)",
    "(force %e)",
    "(delay %e)",
    "(make-promise %e)",
    "(delay-force (delay %e))",
    "(%p %e)",
    "(%q %e %e)",
    "(%t)",
    "(apply %p (list %e))",
    "(apply %v %e)",
    "(%v %e)",
    "(map %p %e)",
    "(map %q %e %e)",
    "(for-each %p %e)",
    "(vector-map %p %e)",
    "(string-for-each %p %e)",
    "(sort %e %q)",
    "(list-sort %q %e)",
    "(vector-sort! %q %e)",
    "(fold-left %q %e %e)",
    "(filter %p %e)",
    "(assoc %e %e %q)",
    "(member %e %e %q)",
    "(eval '%e (interaction-environment))",
    "(eval (list 'quote %e))",
    "(read (open-input-string %e))",
    "(call-with-output-string (lambda (o) (write %e o)))",
    "(let ((o (open-output-string))) (write %e o) (read (open-input-string (get-output-string o))))",
    "(let-syntax ((m (syntax-rules () ((_ y ...) (list y ... %e))))) (m %e %e))",
    "(let () (define-record-type q (mk a) q? (a get)) (get (mk %e)))",
    "(let () (define-values (y z) (values %e %e)) (cons y z))",
    "(case-lambda ((y) %e) ((y . z) %e))",
    "(equal? %e %e)",
    "(eqv? %e %e)",
    "(while (< count %i) (set! count (+ count 1)) %e)",
    "(swap! %v %v)",
    "(my-or %e %e)",
    "(assert %e)",
    "(list %e %e %e)",
    "(vector %e %e)",
    "(values %e)",
    "(values %e %e)",
};

constexpr std::string_view kSomething[] = {
    "(+ %e %n)",
    "(- %n %e)",
    "(* %e %e)",
    "(/ %e %n)",
    "(quotient %e %n)",
    "(modulo %n %e)",
    "(floor/ %n %n)",
    "(expt %n %i)",
    "(exact %e)",
    "(inexact %e)",
    "(exact-integer-sqrt %n)",
    "(sqrt %e)",
    "(gcd %n %n)",
    "(number->string %n %i)",
    "(string->number \"%n\" 16)",
    "(max %n %e)",
    "(round %n)",
    "(rationalize %n %n)",
    "(< %e %n %e)",
    "(= %e %n)",
    "(car %v)",
    "(cdr %v)",
    "(set-car! b %e)",
    "(set-cdr! b %e)",
    "(set-cdr! (cddr b) %e)",
    "(append %e b)",
    "(append! b %e)",
    "(reverse %e)",
    "(list-tail b %i)",
    "(length %e)",
    "(list-copy %e)",
    "(list-ref %e %i)",
    "(last-pair %e)",
    "(delete %e b)",
    "(iota %i)",
    "(vector-ref c %i)",
    "(vector-set! c %i %e)",
    "(vector-fill! c %e %i)",
    "(vector-grow c %i)",
    "(vector->list %e %i)",
    "(vector-append c %e)",
    "(vector-copy! c %i c %i)",
    "(make-vector %i %e)",
    "(subvector c %i %i)",
    "(string-ref d %i)",
    "(string-set! d %i #\\x1F600)",
    "(string-set! d %i #\\y)",
    "(string-append d %e)",
    "(substring d %i %i)",
    "(string-copy! d %i %e)",
    "(string-fill! d #\\z %i)",
    "(string->symbol %e)",
    "(symbol->string %e)",
    "(string-upcase %e)",
    "(string-search-forward d %e %i)",
    "(string->list %e %i)",
    "(list->string %e)",
    "(string->vector d)",
    "(make-string %i #\\a)",
    "(string<? d %e)",
    "(string-split %e #\\space)",
    "(string-join %e)",
    "(string-pad-left %e %i)",
    "(hash-table-set! h %e %e)",
    "(hash-table-ref h %e %t)",
    "(hash-table-ref/default h %e %e)",
    "(hash-table-delete! h %e)",
    "(hash-table-walk h (lambda (key value) (hash-table-set! h %e value)))",
    "(hash-table-walk h (lambda (key value) (hash-table-delete! h key)))",
    "(hash-table-walk h (lambda (key value) (hash-table-clear! h)))",
    "(hash-table-update! h %e %p %t)",
    "(hash-table-update!/default h %e %p %e)",
    "(hash-table->alist h)",
    "(hash-table-keys h)",
    "(hash-table-copy h)",
    "(hash-table-set! h h h)",
    "(hash-table-fold h (lambda (key value y) (cons key y)) %e)",
    "(bytevector-u8-ref u %i)",
    "(bytevector-u8-set! u %i %i)",
    "(bytevector-append u %e)",
    "(utf8->string u %i)",
    "(string->utf8 %e)",
    "(bytevector-copy! u %i u %i)",
    "(read in)",
    "(read-char in)",
    "(read-line in)",
    "(peek-char in)",
    "(read-string %i in)",
    "(write %e out)",
    "(display %e out)",
    "(write-shared %e out)",
    "(get-output-string out)",
    "(close-port in)",
    "(close-port out)",
    "(write-string d out %i)",
    "(newline out)",
    "(char-ready? in)",
    "(write %e)",
    "(get-px r)",
    "(set-px! r %e)",
    "(get-py %e)",
    "(make-point %e %e)",
    "(point? %e)",
    "(value->json %e)",
    "(json->value %e)",
    "(json->value \"{\\\"a\\\": [1, 2.5, null]}\")",
    "(condition-code %e)",
    "(error-object-message %e)",
    "(error-object-irritants %e)",
    "(symbol->string '%d)",
    "(char-upcase %e)",
    "(integer->char %n)",
    "(char->integer %e)",
    "(list->vector %e)",
    "(boolean=? %e %e)",
    "(procedure? %e)",
    "(exact->inexact %n)",
    "(truncate %n)",
    "(%v %e)",
    "(environment '(scheme base))",
    "(string-length %e)",
    "(exit %e)",
};

constexpr std::string_view kProcedures[] = {"(lambda (y) %e)",
                                            "(lambda (y) %e %e)",
                                            "f",
                                            "g",
                                            "car",
                                            "cdr",
                                            "list",
                                            "k",
                                            "(lambda y y)",
                                            "x",
                                            "vector",
                                            "not",
                                            "raise",
                                            "(lambda (y) (k y))",
                                            "abs",
                                            "number->string",
                                            "force",
                                            "(lambda (y) (set! b (cons y b)) y)",
                                            "call/cc",
                                            "values",
                                            "write",
                                            "(lambda (y) (call/cc (lambda (j) (set! k j) y)))"};
constexpr std::string_view kTwo[] = {"+",
                                     "<",
                                     "cons",
                                     "(lambda (y z) %e)",
                                     "(lambda (y z) (set-cdr! b '()) #t)",
                                     "list",
                                     "eq?",
                                     "apply",
                                     "f",
                                     "(lambda (y z) (call/cc (lambda (j) (set! k j) (< y z))))",
                                     "append",
                                     "(lambda (y z) (raise y))",
                                     "vector-ref",
                                     "*",
                                     "-",
                                     "hash-table-ref",
                                     "string-append",
                                     "map",
                                     "with-exception-handler"};
constexpr std::string_view kThunks[] = {"(lambda () %e)",
                                        "(lambda () %e %e)",
                                        "(lambda () (raise 'oops))",
                                        "(lambda () (set! count (+ count 1)))",
                                        "(lambda () (k %e))",
                                        "f",
                                        "list",
                                        "(lambda () (if (< count 9) (begin (set! count (+ count 1)) (k count))))",
                                        "newline",
                                        "x"};
constexpr std::string_view kClauses[] = {"(#t e)",
                                         "(#t (list 'caught e))",
                                         "((symbol? e) e) (#t (raise e))",
                                         "((string? e) %e)",
                                         "(else %e)",
                                         "(%e => %p)",
                                         "((error-object? e) (error-object-message e))",
                                         "((pair? e) (k e))",
                                         "(#f 1)"};
constexpr std::string_view kMacros[] = {
    "(let () (define-syntax m (syntax-rules () ((_ (y z) ...) (list (cons z 'y) ...)))) (m (1 %e) (2 %e)))",
    "(letrec-syntax ((ev? (syntax-rules () ((_) #t) ((_ y . z) (od? . z)))) (od? (syntax-rules () ((_) #f) ((_ y . z) "
    "(ev? . z))))) (ev? 1 2 3))",
    "(let () (define-syntax m (syntax-rules (=>) ((_ y => z) (let ((t y)) (list t z))) ((_ . y) 'y))) (list (m %e => "
    "%e) (m 1 . 2)))",
    "(let () (define-syntax d (syntax-rules () ((_ n e) (define n e)))) (d y %e) y)",
    "(let-syntax ((m (syntax-rules ::: () ((_ #(y :::) (z ::: w)) '(w (y z) ::: ...))))) (m #(1 2) (3 4 5)))"};

constexpr std::string_view kWrappers[] = {"(let ((y @)) y)",
                                          "(guard (e (#t e)) @)",
                                          "(call/cc (lambda (j) (set! k j) @))",
                                          "(dynamic-wind (lambda () 1) (lambda () @) (lambda () 2))",
                                          "(begin @ @)",
                                          "(list @ @)",
                                          "(let loop ((i 0)) (if (< i 5) (begin @ (loop (+ i 1))) @))",
                                          "(parameterize ((x 2)) @)",
                                          "(eval '@ (interaction-environment))",
                                          "(delay @)",
                                          "(force (delay @))",
                                          "(lambda () @)",
                                          "((lambda () @))",
                                          "(if @ @ #f)",
                                          "(quote @)",
                                          "`(1 ,@)",
                                          "`(1 ,@@)",
                                          "(define y @)",
                                          "(set! a @)",
                                          "(let-values ((y @)) y)",
                                          "(with-exception-handler (lambda (e) 1) (lambda () @))",
                                          "(raise-continuable @)",
                                          "(let-syntax ((m (syntax-rules () ((_ y) y)))) (m @))",
                                          "(hash-table-walk h (lambda (key value) @))",
                                          "(sort (list 3 2 1) (lambda (y z) @))",
                                          "(map (lambda (y) @) '(1 2 3))",
                                          "(vector-map (lambda (y) @) #(1 2 3))",
                                          "(write @ out)",
                                          "(apply list @ '(1))",
                                          "(not @)",
                                          "#(@ 1)",
                                          "#;@",
                                          "'@",
                                          "#0=(@ . #0#)"};

// The longest program that is made or changed.
constexpr std::size_t kMostText = 6000;

class Grammar {
 public:
  explicit Grammar(Random& random) : random_(random) {}

  std::string make(char what, u32 depth) {
    std::string out;
    expand(pick(templates(what, depth)), depth, out);
    return out;
  }

 private:
  std::string_view pick(std::span<const std::string_view> all) {
    return all[random_.below(static_cast<u32>(all.size()))];
  }

  std::span<const std::string_view> templates(char what, u32 depth) {
    switch (what) {
      case 'e': return depth == 0 ? std::span(kExpressions).first(4) : std::span(kExpressions);
      case 's': return kSomething;
      case 'n': return kNumbers;
      case 'd': return kData;
      case 'p': return kProcedures;
      case 'q': return kTwo;
      case 't': return kThunks;
      case 'c': return kClauses;
      case 'm': return kMacros;
      default: return kVariables;
    }
  }

  void expand(std::string_view source, u32 depth, std::string& out) {
    for (std::size_t at = 0; at < source.size(); ++at) {
      if (source[at] != '%' || ++at == source.size()) {
        out += source[at];
        continue;
      }
      if (source[at] == '%') {
        out += '%';
      } else if (source[at] == 'i') {
        out += std::to_string(random_.below(8) == 0 ? random_.below(300) : random_.below(6));
      } else {
        const u32 next = depth == 0 ? 0 : depth - 1;
        expand(pick(templates(source[at], out.size() > kMostText ? 0 : next)), next, out);
      }
    }
  }

  Random& random_;
};

// A datum of a text.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool ends_token(char c) { return c == '(' || c == ')' || c == '"' || c == ';' || c == ' ' || c == '\n' || c == '\t'; }

// All the data of a text whose ends are clear, at whatever depth; what is odd is left out.
std::vector<Span> data_of(std::string_view text) {
  std::vector<Span> all;
  std::vector<std::size_t> open;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char c = text[at];
    if (c == ' ' || c == '\n' || c == '\t') {
      ++at;
    } else if (c == ';') {
      while (at < text.size() && text[at] != '\n') ++at;
    } else if (c == '(') {
      open.push_back(at++);
    } else if (c == ')') {
      ++at;
      if (!open.empty()) {
        all.push_back({open.back(), at});
        open.pop_back();
      }
    } else if (c == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
      at = at < text.size() ? at + 1 : text.size();
      all.push_back({begin, at});
    } else {
      at += c == '#' && at + 2 < text.size() && text[at + 1] == '\\' ? 3 : 1;
      while (at < text.size() && !ends_token(text[at])) ++at;
      all.push_back({begin, at});
    }
  }
  return all;
}

std::string replaced(std::string_view text, Span span, std::string_view with) {
  std::string result(text.substr(0, span.begin));
  result += with;
  result += text.substr(span.end);
  return result;
}

}  // namespace

std::string make_program(Random& random) {
  Grammar grammar(random);
  std::string text(kBegin);
  for (u32 forms = 1 + random.below(5); forms > 0; --forms) text += grammar.make('e', 1 + random.below(6)) + "\n";
  return text;
}

std::string change_program(std::string_view text, Random& random) {
  const std::vector<Span> data = data_of(text);
  if (data.empty() || text.size() > kMostText) return make_program(random);
  Grammar grammar(random);
  const auto any = [&] { return data[random.below(static_cast<u32>(data.size()))]; };
  const Span span = any();
  const std::string_view datum = text.substr(span.begin, span.end - span.begin);
  switch (random.below(9)) {
    case 0:
    case 1: return replaced(text, span, grammar.make('e', random.below(4)));
    case 2: return replaced(text, span, grammar.make(random.below(2) == 0 ? 'n' : 'v', 0));
    case 3: {
      const Span other = any();
      return replaced(text, span, text.substr(other.begin, other.end - other.begin));
    }
    case 4:
    case 5: {
      const std::string_view wrapper = kWrappers[random.below(static_cast<u32>(std::size(kWrappers)))];
      std::string wrapped;
      for (std::size_t at = 0; at < wrapper.size(); ++at) {
        // The last of ",@@" is the place.
        const bool is_place = wrapper[at] == '@' && (at + 1 == wrapper.size() || wrapper[at + 1] != '@');
        is_place ? wrapped += datum : wrapped += wrapper[at];
      }
      return replaced(text, span, wrapped);
    }
    case 6: return replaced(text, span, "");
    case 7: return replaced(text, {span.end, span.end}, " " + std::string(datum));
    default: return std::string(text) + "\n" + grammar.make('e', 1 + random.below(5));
  }
}

std::string cross_programs(std::string_view text, std::string_view other, Random& random) {
  const std::vector<Span> data = data_of(text);
  const std::vector<Span> others = data_of(other);
  if (data.empty() || others.empty()) return std::string(text);
  const Span to = data[random.below(static_cast<u32>(data.size()))];
  const Span from = others[random.below(static_cast<u32>(others.size()))];
  return replaced(text, to, other.substr(from.begin, from.end - from.begin));
}

}  // namespace heddle::fuzz
