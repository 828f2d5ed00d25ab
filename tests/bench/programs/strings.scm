; 100,000 appends; a string that has 1,000 characters is finished.
(let loop ((i 0) (text "") (total 0))
  (cond ((= i 100000) (+ total (string-length text)))
        ((= (string-length text) 1000) (loop i "" (+ total 1000)))
        (else (loop (+ i 1) (string-append text "x") total))))
