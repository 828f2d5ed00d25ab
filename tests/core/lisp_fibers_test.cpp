// Programs as tasks of the kernel, and the operations that they have.
#include "support/lisp_host.h"

namespace heddle::testing {
namespace {

// How a form ends that may raise a condition.
std::string code_of(const std::string& form) { return "(guard (e (#t (condition-code e))) " + form + ")"; }

TEST(LispFibers, a_program_gives_the_value_of_its_last_form) {
  LispHost host;
  EXPECT_EQ(host.run("(define x 20) (+ x 22)"), "42");
  EXPECT_EQ(host.run("(define x 1)"), "");
  EXPECT_EQ(host.kernel.stats().fibers, 0u);
}

TEST(LispFibers, an_unhandled_condition_fails_the_program_with_its_code) {
  LispHost host;
  EXPECT_EQ(host.run("(car 5)").substr(0, 10), "TypeError:");
  EXPECT_EQ(host.run("(error \"no luck\" 1 \"two\")"), "UserError: no luck: 1 \"two\"");
  EXPECT_EQ(host.run("(raise 42)"), "UserError: raised: 42");
  EXPECT_EQ(host.run("(unclosed").substr(0, 12), "SyntaxError:");
}

TEST(LispFibers, what_a_program_prints_comes_before_its_end) {
  LispHost host;
  EXPECT_EQ(host.run("(display \"one\") (newline) (yield) (display \"two\") 3"), "3");
  EXPECT_EQ(host.printed, "one\ntwo");
  EXPECT_EQ(host.told.back().type == CommandType::kOutput, false);
}

TEST(LispFibers, programs_have_their_own_top_level_unless_they_share_one) {
  LispHost host;
  EXPECT_EQ(host.run("(define mine 1) (set! car cdr) mine"), "1");
  EXPECT_EQ(host.run("(car '(1 2))"), "1");
  EXPECT_EQ(host.run("mine").substr(0, 16), "UnboundVariable:");
  const LispHost::Entries shared = {{"environment", Wire::text("shared")}};
  EXPECT_EQ(host.run("(define ours 2)", shared), "");
  EXPECT_EQ(host.run("ours", shared), "2");
}

TEST(LispFibers, globals_and_arguments_are_there) {
  LispHost host;
  EXPECT_EQ(host.run("(list n (hash-table-ref/default t \"k\" #f) args)", {},
                     {{"n", Wire::integer(7)}, {"t", Wire::table({{"k", Wire::list({Wire::yes(), Wire::null()})}})}}),
            "(7 (#t null) ())");
}

TEST(LispFibers, a_limit_of_the_heap_that_is_less_than_what_is_in_use_is_an_error_at_once) {
  LispHost host;
  for (const char* program : {"1", "(", "(list 1 2)"}) {
    EXPECT_EQ(host.run(program, {{"heapLimit", Wire::integer(65536)}}).substr(0, 10), "HeapLimit:") << program;
    EXPECT_EQ(host.run("(+ 1 1)"), "2");
  }
}

TEST(LispFibers, malformed_bytes_are_refused) {
  LispHost host;
  EXPECT_EQ(host.lisp.submit(0, 0, 0, ""), 0u);
  EXPECT_EQ(host.lisp.submit(0, 0, 0, Wire::list({Wire::text("1")})), 0u);
  EXPECT_EQ(host.lisp.submit(0, 0, 0, "\x08\xff\xff\xff\xff"), 0u);
  std::string deep;
  for (u32 i = 0; i < 300'000; ++i) deep += Wire::list({Wire::null()}).substr(0, 5);
  EXPECT_EQ(
      host.lisp.submit(0, 0, 0, Wire::list({Wire::text("1"), Wire::text("f"), deep, Wire::table({}), Wire::table({})})),
      0u);
  EXPECT_EQ(host.run("'still"), "still");
}

TEST(LispFibers, a_task_is_announced_and_awaited) {
  LispHost host;
  EXPECT_EQ(host.run("(await (async (lambda () (delay-ms 10) 42) :name \"answer\" :priority 3))"), "42");
  EXPECT_EQ(host.kernel.now(), 10 * kMillisecond);
  EXPECT_EQ(host.count(CommandType::kSpawned), 1u);
  EXPECT_EQ(host.count(CommandType::kSettle), 2u);
  EXPECT_EQ(host.run(code_of("(await (async (lambda () (vector-ref (vector) 0))))")), "RangeError");
  EXPECT_EQ(host.run("(let ((t (async (lambda () 1)))) (list (await t) (await t) (task? t)))"), "(1 1 #t)");
  EXPECT_EQ(host.run("(async 5)").substr(0, 10), "TypeError:");
  EXPECT_EQ(host.run("(async (lambda () 1) :speed 3)").substr(0, 10), "TypeError:");
}

TEST(LispFibers, waits_overlap) {
  LispHost host;
  EXPECT_EQ(host.run("(define (after ms value) (async (lambda () (delay-ms ms) value)))"
                     "(await-all (list (after 30 'a) (after 10 'b) (after 20 'c)))"),
            "(a b c)");
  EXPECT_EQ(host.kernel.now(), 30 * kMillisecond);
}

TEST(LispFibers, await_all_raises_the_first_failure) {
  LispHost host;
  EXPECT_EQ(host.run("(define (fails ms what) (async (lambda () (delay-ms ms) (raise what))))"
                     "(guard (e (#t e)) (await-all (list (fails 30 'a) (fails 10 'b) (fails 20 'c))))"),
            "b");
  EXPECT_EQ(host.kernel.now(), 30 * kMillisecond) << "the others go on";
  EXPECT_EQ(host.run("(await-all '())"), "()");
  EXPECT_EQ(host.run("(await-all '(1))").substr(0, 10), "TypeError:");
}

TEST(LispFibers, await_any_gives_the_first_that_completes) {
  LispHost host;
  const std::string fibers =
      "(define (after ms value) (fiber/spawn (lambda () (delay-ms ms) value)))"
      "(define (fails ms) (fiber/spawn (lambda () (delay-ms ms) (car '()))))";
  EXPECT_EQ(host.run(fibers + "(await-any (list (after 30 'a) (fails 5) (after 20 'c)))"), "c");
  EXPECT_EQ(host.kernel.now(), 30 * kMillisecond);
  EXPECT_EQ(host.run(fibers + "(guard (e (#t (list (condition-code e) (length (error-object-irritants e)))))"
                              "  (await-any (list (fails 3) (fails 5))))"),
            "(AggregateError 2)");
  EXPECT_EQ(host.run("(await-any '())").substr(0, 11), "RangeError:");
  const Time before = host.kernel.now();
  EXPECT_EQ(host.run(fibers + "(fiber.select (list (after 500 'a) (fails 5) (after 20 'c)))"), "c");
  EXPECT_EQ(host.kernel.now(), before + 20 * kMillisecond) << "the losers are cancelled";
}

TEST(LispFibers, a_cancelled_task_raises_at_once_and_again_at_each_operation) {
  LispHost host;
  EXPECT_EQ(host.run("(define log '())"
                     "(define (note! what) (set! log (cons what log)))"
                     "(define t (async (lambda ()"
                     "  (guard (e (#t (note! (condition-code e)))) (delay-ms 1000))"
                     "  (guard (e (#t (note! 'again))) (delay-ms 1000)))))"
                     "(delay-ms 1)"
                     "(define first (cancel t \"enough\"))"
                     "(define second (cancel t))"
                     "(define code " +
                     code_of("(await t)") +
                     ")"
                     "(delay-ms 1)"
                     "(list first second code log)"),
            "(#t #f Cancelled (again Cancelled))");
  EXPECT_EQ(host.kernel.now(), 2 * kMillisecond);
}

TEST(LispFibers, a_cancellation_says_why) {
  LispHost host;
  const char* messages = "(define (message-of thunk) (guard (e (#t (error-object-message e))) (thunk)))";
  // To the operations of the cancelled fiber, to who waits for it, to what it started; the first one counts.
  EXPECT_EQ(host.run(std::string(messages) + R"scm(
      (define seen #f)
      (define inner #f)
      (define task
        (async (lambda ()
                 (set! inner (fiber/spawn (lambda () (delay-ms 1000))))
                 (set! seen (message-of (lambda () (delay-ms 1000))))
                 (delay-ms 1))))
      (delay-ms 1)
      (define first (cancel task "no longer wanted"))
      (define awaited (message-of (lambda () (await task))))
      (define joined (message-of (lambda () (fiber/join inner))))
      (delay-ms 1)
      (list first awaited seen joined (cancel task "again") (message-of (lambda () (await task)))))scm"),
            "(#t \"cancelled: no longer wanted\" \"cancelled: no longer wanted\" \"cancelled: no longer wanted\" #f "
            "\"cancelled: no longer wanted\")");
  // One that has not begun; any datum is a reason; none need be given.
  EXPECT_EQ(host.run(std::string(messages) + R"scm(
      (define early (async (lambda () 1)))
      (define light (fiber/spawn (lambda () 1)))
      (define other (fiber/spawn (lambda () (delay-ms 1000))))
      (cancel early '(budget 3))
      (cancel light "light")
      (cancel other)
      (map (lambda (fiber) (message-of (lambda () (fiber/join fiber)))) (list early light other)))scm"),
            "(\"cancelled: (budget 3)\" \"cancelled: light\" \"the fiber that it waits for was cancelled\")");
}

TEST(LispFibers, a_computation_asks_whether_it_is_cancelled) {
  LispHost host;
  EXPECT_EQ(host.run(R"scm(
      (check-cancellation)
      (define log '())
      (define (note what) (set! log (cons what log)))
      (define task
        (fiber/spawn (lambda ()
                       (guard (e (#t (note (condition-code e)))) (fiber/yield))
                       (note 'computes)
                       (guard (e (#t (note (condition-code e)))) (check-cancellation) (note 'never))
                       (check-cancellation)
                       (note 'never))))
      (fiber/yield)
      (cancel task)
      (delay-ms 1)
      (reverse log))scm"),
            "(Cancelled computes Cancelled)");
}

TEST(LispFibers, a_computation_is_cancelled_under_every_policy) {
  for (const DispatchPolicy policy : {DispatchPolicy::kRoundRobin, DispatchPolicy::kFairRoundRobin}) {
    KernelConfig config = LispHost::virtual_time();
    config.dispatch = policy;
    LispHost host(config);
    const FiberId loops = host.submit("(let loop () (loop))");
    const FiberId deaf = host.submit("(let again () (guard (e (#t 1)) (let loop () (loop))) (again))");
    for (u32 i = 0; i < 20; ++i) EXPECT_TRUE(host.kernel.step(256));
    EXPECT_TRUE(host.kernel.cancel(loops));
    EXPECT_TRUE(host.kernel.cancel(deaf));
    host.settle();
    EXPECT_EQ(host.results.at(loops), "cancelled");
    EXPECT_EQ(host.results.at(deaf), "cancelled");
    EXPECT_EQ(host.kernel.stats().fibers, 0u);
    EXPECT_EQ(host.run("'still"), "still");
  }
}

TEST(LispFibers, a_budget_cannot_be_swallowed) {
  LispHost host;
  const LispHost::Entries budget = {{"steps", Wire::integer(10'000)}};
  EXPECT_EQ(host.run("(let loop () (loop))", budget), "BudgetExceeded: the program has used up its steps");
  EXPECT_LE(host.kernel.machine_steps(), 40'000u);
  EXPECT_EQ(host.run("(let again () (guard (e (#t 1)) (let loop () (loop))) (again))", budget),
            "BudgetExceeded: the program has used up its steps");
  EXPECT_EQ(host.run(code_of("(let loop () (loop))"), budget), "BudgetExceeded") << "it can be told of";
  EXPECT_EQ(host.run("(define (spin) (let loop () (loop)))"
                     "(await-all (list (async spin) (async spin)))",
                     budget),
            "BudgetExceeded: the program has used up its steps");
  EXPECT_EQ(host.run("'still", budget), "still");
}

TEST(LispFibers, with_timeout_gives_the_value_the_fallback_or_the_condition) {
  LispHost host;
  EXPECT_EQ(host.run("(with-timeout 50 (begin (delay-ms 10) 'done) (lambda () 'late))"), "done");
  EXPECT_EQ(host.run("(with-timeout 50 (begin (delay-ms 100) 'done) (lambda () 'late))"), "late");
  EXPECT_EQ(host.run(code_of("(with-timeout 50 (delay-ms 100))")), "Timeout");
  EXPECT_EQ(host.run(code_of("(with-timeout 50 (car 1) (lambda () 'late))")), "TypeError");
  EXPECT_EQ(host.run("(with-timeout 20 (with-timeout 1000 (delay-ms 500) (lambda () 'inner)) (lambda () 'outer))"),
            "outer");
}

TEST(LispFibers, with_timeout_can_be_left_by_a_continuation) {
  LispHost host;
  EXPECT_EQ(host.run("(define log '())"
                     "(define got (call/cc (lambda (k) (with-timeout 50 (k 'out) (lambda () 'late)) 'never)))"
                     "(list got (call/cc (lambda (k) (with-timeout 50 (begin (delay-ms 5) (k 'again))) 'never)))"),
            "(out again)");
}

TEST(LispFibers, a_scope_ends_after_its_fibers_and_fails_with_the_first) {
  LispHost host;
  EXPECT_EQ(host.run("(define log '())"
                     "(define (note-after ms what) (fiber/spawn (lambda () (delay-ms ms) (set! log (cons what log)))))"
                     "(define value (with-scope (note-after 20 'b) (note-after 10 'a) 'value))"
                     "(list value log)"),
            "(value (b a))");
  const Time before = host.kernel.now();
  EXPECT_EQ(host.run("(define log '())"
                     "(define code " +
                     code_of("(with-scope"
                             "  (fiber/spawn (lambda () (delay-ms 500) (set! log 'late)))"
                             "  (async (lambda () (delay-ms 5) (vector-ref (vector) 1)))"
                             "  (delay-ms 1000))") +
                     ")"
                     "(list code log)"),
            "(RangeError ())");
  EXPECT_EQ(host.kernel.now(), before + 5 * kMillisecond);
  EXPECT_EQ(host.run(code_of("(with-scope (fiber/spawn (lambda () (delay-ms 500))) (error \"own\"))")), "UserError");
  EXPECT_EQ(host.run("(with-scope (with-scope (fiber/spawn (lambda () (error \"inner\")))) 1)"), "UserError: inner");
  EXPECT_EQ(host.kernel.now(), before + 5 * kMillisecond);
}

TEST(LispFibers, parallel_map_is_bounded_and_keeps_the_order) {
  LispHost host;
  EXPECT_EQ(host.run("(define inside 0) (define most 0)"
                     "(define (work x)"
                     "  (set! inside (+ inside 1))"
                     "  (if (> inside most) (set! most inside))"
                     "  (delay-ms (- 20 x))"
                     "  (set! inside (- inside 1))"
                     "  (* x x))"
                     "(define squares (parallel-map work '(1 2 3 4 5 6 7) :concurrency 3))"
                     "(list squares most (parallel-map work #(1 2)) (parallel-map work '()))"),
            "((1 4 9 16 25 36 49) 3 #(1 4) ())");
  EXPECT_EQ(host.run("(parallel-filter odd? '(1 2 3 4 5) :concurrency 2)"), "(1 3 5)");
  EXPECT_EQ(host.run("(list (parallel 1 (begin (delay-ms 3) 2) 3) (parallel))"), "((1 2 3) ())");
  EXPECT_EQ(host.run("(define n 0) (parallel-do (set! n (+ n 1)) (set! n (+ n 10))) n"), "11");
  EXPECT_EQ(host.run(code_of("(parallel-map (lambda (x) (if (= x 2) (car x) (delay-ms 1000))) '(1 2 3))")),
            "TypeError");
  EXPECT_EQ(host.run("(parallel-map car '() :concurrency 0)").substr(0, 11), "RangeError:");
  EXPECT_EQ(host.run("(parallel-map car '() :speed 1)").substr(0, 10), "TypeError:");
}

TEST(LispFibers, parallel_map_over_many_items_is_linear) {
  LispHost host;
  EXPECT_EQ(host.run("(apply + (parallel-map (lambda (x) (yield) 1) (make-vector 1000 0)))").substr(0, 10),
            "TypeError:");
  const u64 before = host.kernel.machine_steps();
  EXPECT_EQ(host.run("(vector-length (parallel-map (lambda (x) x) (make-vector 1000 0)))"), "1000");
  const u64 thousand = host.kernel.machine_steps() - before;
  EXPECT_EQ(host.run("(vector-length (parallel-map (lambda (x) x) (make-vector 10000 0)))"), "10000");
  EXPECT_LT(host.kernel.machine_steps() - before - thousand, 11 * thousand);
}

TEST(LispFibers, the_earliest_of_the_most_frequent_votes_wins) {
  LispHost host;
  EXPECT_EQ(host.run("(list (majority-vote '(\"b\" \"a\" \"a\" \"b\" \"c\")) (majority-vote '(1 2 2)))"), "(\"b\" 2)");
  EXPECT_EQ(host.run("(majority-vote '())").substr(0, 11), "RangeError:");
}

TEST(LispFibers, effects_name_the_same_operations) {
  LispHost host;
  EXPECT_EQ(host.run("(define f (effect fiber.spawn (lambda () (effect fiber.yield) 5)))"
                     "(list (effect fiber.join f) (fiber? f) (= (fiber/id) (effect fiber.id (effect fiber.self))))"),
            "(5 #t #t)");
  EXPECT_EQ(host.run("(effect no.such 1)").substr(0, 12), "SyntaxError:");
}

TEST(LispFibers, what_leaves_a_dynamic_wind_runs_its_end_also_when_cancelled) {
  LispHost host;
  const std::string work =
      "(dynamic-wind (lambda () (display 'in)) (lambda () (delay-ms 100)) (lambda () (display 'out)))";
  EXPECT_EQ(host.run("(define t (async (lambda () " + work + "))) (delay-ms 1) (cancel t) (delay-ms 1) 'ended"),
            "ended");
  EXPECT_EQ(host.printed, "inout");
  EXPECT_EQ(host.run("(with-timeout 10 " + work + " (lambda () 'late))"), "late");
  EXPECT_EQ(host.printed, "inoutinout");
}

TEST(LispFibers, a_continuation_belongs_to_its_fiber) {
  LispHost host;
  EXPECT_EQ(host.run("(define k #f)"
                     "(fiber/join (fiber/spawn (lambda () (call/cc (lambda (c) (set! k c))) 1)))" +
                     code_of("(k 1)")),
            "WrongFiber");
}

TEST(LispFibers, parameters_are_inherited) {
  LispHost host;
  EXPECT_EQ(host.run("(define p (make-parameter 1))"
                     "(parameterize ((p 2)) (fiber/join (fiber/spawn (lambda () (p)))))"),
            "2");
}

TEST(LispFibers, fibers_nest_deeply) {
  LispHost host;
  EXPECT_EQ(host.run("(define (deep n) (if (= n 0) 0 (fiber/join (fiber/spawn (lambda () (+ 1 (deep (- n 1))))))))"
                     "(deep 2000)"),
            "2000");
}

TEST(LispFibers, what_a_program_left_goes_on) {
  LispHost host;
  EXPECT_EQ(host.run("(fiber/spawn (lambda () (delay-ms 30) (display \"later\"))) 'ended"), "ended");
  EXPECT_EQ(host.printed, "later");
  EXPECT_EQ(host.kernel.now(), 30 * kMillisecond);
  EXPECT_EQ(host.kernel.stats().fibers, 0u);
}

TEST(LispFibers, a_fiber_cannot_wait_for_itself) {
  LispHost host;
  EXPECT_EQ(host.run(code_of("(fiber/join (fiber/self))")), "Deadlock");
}

TEST(LispFibers, time_and_chance_are_the_runtimes) {
  LispHost host;
  EXPECT_EQ(host.run("(define before (current-jiffy)) (delay-ms 5) (- (current-jiffy) before)"), "5000");
  EXPECT_EQ(host.run("(let ((n (random 10))) (and (exact-integer? n) (<= 0 n 9)))"), "#t");
  EXPECT_EQ(host.run("(random 0)").substr(0, 11), "RangeError:");
  EXPECT_EQ(host.run("(delay-ms -1)").substr(0, 11), "RangeError:");
}

TEST(LispFibers, a_procedure_of_the_host_is_called_and_its_waits_overlap) {
  LispHost host;
  const u32 echo = host.lisp.define(Wire::text("echo"));
  EXPECT_EQ(echo, Lisp::kFirstDefined);
  EXPECT_EQ(host.lisp.define(Wire::text("echo")), echo);
  EXPECT_EQ(host.lisp.define(Wire::text("if")), 0u);
  EXPECT_EQ(host.lisp.define("no text"), 0u);
  host.on_host = [&](u32 procedure, const std::string& arguments) {
    EXPECT_EQ(procedure, echo);
    return LispHost::Answer{true, arguments, 10 * kMillisecond};
  };
  EXPECT_EQ(host.run("(echo 1 \"two\" '(3 (4)) #t 'null 1.5 (vector) 123456789012345678901234567890 #\\x)"),
            "(1 \"two\" (3 (4)) #t null 1.5 () 123456789012345678901234567890 \"x\")");
  EXPECT_EQ(host.run("(parallel-map echo '(1 2 3))"), "((1) (2) (3))");
  EXPECT_EQ(host.kernel.now(), 20 * kMillisecond);
  EXPECT_EQ(host.most_open, 3u);
  EXPECT_EQ(host.run("(hash-table-ref/default (cadr (echo 1 :depth 2)) \"depth\" #f)"), "2");
}

TEST(LispFibers, what_cannot_cross_is_refused_with_its_path) {
  LispHost host;
  host.lisp.define(Wire::text("echo"));
  EXPECT_EQ(host.run("(echo 1 (list 2 (vector 3 car)))"),
            "ConversionError: arguments[1][1][1]: a procedure cannot cross");
  EXPECT_EQ(host.run("(echo 1/2)").substr(0, 16), "ConversionError:");
  EXPECT_EQ(host.run("(define l (list 1)) (set-cdr! l l) (echo l)").substr(0, 16), "ConversionError:");
  EXPECT_EQ(host.run("(define v (vector 1)) (vector-set! v 0 v) (echo v)").substr(0, 16), "ConversionError:");
}

TEST(LispFibers, what_crosses_takes_no_more_room_than_it_has) {
  LispHost host;
  const LispHost::Entries limit = {{"heapLimit", Wire::integer(8'000'000)}};
  const std::string megabyte(1'000'000, 'x');
  EXPECT_EQ(host.run("(string-length text)", limit, {{"text", Wire::text(megabyte)}}), "1000000");
  EXPECT_EQ(host.run("(length items)", limit, {{"items", Wire::list(std::vector(100'000, Wire::yes()))}}), "100000");
  const std::string larger(9'000'000, 'x');
  EXPECT_EQ(host.run("1", limit, {{"text", Wire::text(larger)}}).substr(0, 10), "HeapLimit:");
  host.lisp.define(Wire::text("page"));
  host.on_host = [&](u32, const std::string&) { return LispHost::Answer{true, Wire::text(megabyte)}; };
  EXPECT_EQ(host.run("(string-length (page))", limit), "1000000");
}

TEST(LispFibers, conditions_that_share_their_irritants_cross_in_bounded_time) {
  LispHost host;
  const std::string wraps = "(define (wrap c) (guard (e (#t e)) (apply error \"m\" (make-list 1000 c)))) ";
  EXPECT_EQ(host.run(wraps + "(raise (wrap (wrap (wrap (wrap 1)))))").substr(0, 11), "UserError: ");
  EXPECT_LT(host.lisp.out().size(), 1u << 28);
}

TEST(LispFibers, errors_of_the_host_are_conditions) {
  LispHost host;
  host.lisp.define(Wire::text("fails"));
  host.on_host = [](u32, const std::string&) {
    return LispHost::Answer{false, Wire::error("LLMError", "the server said no", 7)};
  };
  EXPECT_EQ(host.run(code_of("(fails)")), "LLMError");
  EXPECT_EQ(host.run("(fails)"), "LLMError: the server said no");
}

TEST(LispFibers, models_are_asked_side_by_side) {
  LispHost host;
  host.on_host = [](u32 procedure, const std::string& arguments) {
    EXPECT_EQ(procedure, 1u);
    const std::string prompt = Wire::read_text(arguments, 5);
    return LispHost::Answer{true, Wire::text("about " + prompt), prompt == "b" ? 30 * kMillisecond : kMillisecond};
  };
  EXPECT_EQ(host.run("(define (ask p) (async (lambda () (llm.infer p :model \"m\"))))"
                     "(await-all (list (ask \"a\") (ask \"b\") (ask \"c\")))"),
            "(\"about a\" \"about b\" \"about c\")");
  EXPECT_EQ(host.kernel.now(), 30 * kMillisecond);
  EXPECT_EQ(host.most_open, 3u);
}

TEST(LispFibers, cancelling_ends_what_the_host_does) {
  LispHost host;
  host.on_host = [](u32, const std::string&) { return LispHost::Answer{true, Wire::null(), 1000 * kMillisecond}; };
  EXPECT_EQ(host.run("(with-timeout 20 (llm.infer \"a\") (lambda () 'late))"), "late");
  EXPECT_EQ(host.kernel.now(), 20 * kMillisecond);
  EXPECT_EQ(host.count(CommandType::kHostOver), 1u);
  EXPECT_EQ(host.open, 0u);
  EXPECT_EQ(host.kernel.stats().operations, 0u);
}

TEST(LispFibers, steps_and_commands_are_the_same_each_time) {
  const auto run = [](DispatchPolicy policy) {
    KernelConfig config = LispHost::virtual_time();
    config.dispatch = policy;
    config.quantum = 100;
    LispHost host(config);
    host.run(
        "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))"
        "(define (work i) (delay-ms (random 5)) (display i) (fib (+ 10 i)))"
        "(parallel-map work '(1 2 3 4 5 6 7 8) :concurrency 3)");
    const Stats stats = host.kernel.stats();
    return std::make_tuple(host.printed, stats.machine_steps, stats.command_hash);
  };
  for (const DispatchPolicy policy : {DispatchPolicy::kRoundRobin, DispatchPolicy::kFairRoundRobin,
                                      DispatchPolicy::kRandom, DispatchPolicy::kPriority}) {
    EXPECT_EQ(run(policy), run(policy));
  }
}

}  // namespace
}  // namespace heddle::testing
