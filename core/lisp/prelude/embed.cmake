# Writes the preludes into one C++ source, in the order given: cmake -D OUTPUT=... -D PRELUDES="a.scm b.scm" -P embed.cmake
#
# Comment lines and indentation are left out: so a prelude has no string that goes on in another line.
separate_arguments(PRELUDES)
set(text "// Made by core/lisp/prelude/embed.cmake.\n#include \"lisp/preludes.h\"\n\nnamespace heddle::lisp {\n")
set(table "")
foreach(prelude IN LISTS PRELUDES)
  get_filename_component(name ${prelude} NAME_WE)
  file(READ ${prelude} content)
  string(PREPEND content "\n")
  string(REGEX REPLACE "\n[ ]*;[^\n]*" "\n" content "${content}")
  string(REGEX REPLACE "\n[ \n]+" "\n" content "${content}")
  string(APPEND text "static const char k_${name}[] = R\"scheme(${content})scheme\";\n")
  string(APPEND table "    {\"${name}\", k_${name}},\n")
endforeach()
string(APPEND text "const Prelude kPreludes[] = {\n${table}    {nullptr, nullptr},\n};\n}  // namespace heddle::lisp\n")
file(WRITE ${OUTPUT} "${text}")
