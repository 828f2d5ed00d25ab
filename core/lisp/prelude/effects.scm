; Operations by the names that profiles and ledgers have for them.

;   (effect name argument ...)   is
;   fiber.spawn fiber.yield fiber.join fiber.id fiber.self   fiber/spawn ...
;   fiber.select                                             fiber.select
;   task.spawn task.await task.await-all task.await-any      async await await-all await-any
;   task.cancel task.check                                   cancel check-cancellation
;   time.delay time.now                                      delay-ms current-jiffy
;   random.next                                              random
;   infer.op llm.infer                                       llm.infer
;   infer.stream                                             llm.stream
;   parallel.map parallel.filter                             parallel-map parallel-filter
;   mutex.new mutex.acquire mutex.release mutex.try-acquire  mutex/new mutex/lock mutex/unlock mutex/try-lock
;   semaphore.new semaphore.acquire semaphore.release        semaphore/new ...
;   ivar.new ivar.put ivar.take ivar.full                    ivar/new ivar/put! ivar/take ivar/full?
;   chan.new chan.send chan.recv chan.close                  chan/new ...
;   barrier.new barrier.wait                                 barrier/new barrier/wait
;   actor.spawn actor.send actor.ask actor.stop actor.self   actor/spawn ...
(define-syntax effect
  (syntax-rules (fiber.spawn fiber.yield fiber.join fiber.id fiber.self fiber.select task.spawn task.await
                 task.await-all task.await-any task.cancel task.check time.delay time.now random.next infer.op infer.stream llm.infer
                 parallel.map parallel.filter
                 mutex.new mutex.acquire mutex.release mutex.try-acquire semaphore.new
                 semaphore.acquire semaphore.release ivar.new ivar.put ivar.take ivar.full chan.new
                 chan.send chan.recv chan.close barrier.new barrier.wait
                 actor.spawn actor.send actor.ask actor.stop actor.self)
    ((_ fiber.spawn a ...) (fiber/spawn a ...))
    ((_ fiber.yield a ...) (fiber/yield a ...))
    ((_ fiber.join a ...) (fiber/join a ...))
    ((_ fiber.id a ...) (fiber/id a ...))
    ((_ fiber.self a ...) (fiber/self a ...))
    ((_ fiber.select a ...) (fiber.select a ...))
    ((_ task.spawn a ...) (async a ...))
    ((_ task.await a ...) (await a ...))
    ((_ task.await-all a ...) (await-all a ...))
    ((_ task.await-any a ...) (await-any a ...))
    ((_ task.cancel a ...) (cancel a ...))
    ((_ task.check a ...) (check-cancellation a ...))
    ((_ time.delay a ...) (delay-ms a ...))
    ((_ time.now a ...) (current-jiffy a ...))
    ((_ random.next a ...) (random a ...))
    ((_ infer.op a ...) (llm.infer a ...))
    ((_ infer.stream a ...) (llm.stream a ...))
    ((_ llm.infer a ...) (llm.infer a ...))
    ((_ parallel.map a ...) (parallel-map a ...))
    ((_ parallel.filter a ...) (parallel-filter a ...))
    ((_ mutex.new a ...) (mutex/new a ...))
    ((_ mutex.acquire a ...) (mutex/lock a ...))
    ((_ mutex.release a ...) (mutex/unlock a ...))
    ((_ mutex.try-acquire a ...) (mutex/try-lock a ...))
    ((_ semaphore.new a ...) (semaphore/new a ...))
    ((_ semaphore.acquire a ...) (semaphore/acquire a ...))
    ((_ semaphore.release a ...) (semaphore/release a ...))
    ((_ ivar.new a ...) (ivar/new a ...))
    ((_ ivar.put a ...) (ivar/put! a ...))
    ((_ ivar.take a ...) (ivar/take a ...))
    ((_ ivar.full a ...) (ivar/full? a ...))
    ((_ chan.new a ...) (chan/new a ...))
    ((_ chan.send a ...) (chan/send a ...))
    ((_ chan.recv a ...) (chan/recv a ...))
    ((_ chan.close a ...) (chan/close a ...))
    ((_ barrier.new a ...) (barrier/new a ...))
    ((_ barrier.wait a ...) (barrier/wait a ...))
    ((_ actor.spawn a ...) (actor/spawn a ...))
    ((_ actor.send a ...) (actor/send a ...))
    ((_ actor.ask a ...) (actor/ask a ...))
    ((_ actor.stop a ...) (actor/stop a ...))
    ((_ actor.self a ...) (actor/self a ...))))
