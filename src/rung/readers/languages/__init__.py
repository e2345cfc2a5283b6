"""R, Julia, Scala, Java, Kotlin, JavaScript, TypeScript and Go as facts, by linear scans of text without comments and strings.

Names carry a language's prefix (`r:`, `julia:`, `jvm:`, `js:`, `go:`) and are resolved through imports, assignments and
chains as far as the shape of the text tells. A file of the same repository that is loaded by path is an import that starts
with a dot: `r:./R/clean.R`, `js:./lib`.
"""

from __future__ import annotations

from rung.readers.languages import golang, javascript, julia, jvm, r
from rung.readers.reading import Reading

READINGS: tuple[Reading, ...] = (r.READING, julia.READING, jvm.READING, javascript.READING, golang.READING)
