; A symbol that begins with a colon evaluates to itself.
(writeln :name) ; => :name
(writeln (eq? :name ':name)) ; => #t
(writeln (list :a 1 :b (+ 1 1))) ; => (:a 1 :b 2)
(writeln (symbol? :key)) ; => #t
(writeln (let ((x 1)) `(:x ,x))) ; => (:x 1)
