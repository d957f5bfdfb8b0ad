#!/bin/bash
# pjdfstest.sh BUILT OUT AT_ONCE SECONDS_MAX: runs the tests that OUT/tests names, a line each, on the file system of the
# working directory, each in a folder of its own. What FOLDER/NN says goes to OUT/FOLDER_NN.tap.
export BUILT="$1" OUT="$2" SECONDS_MAX="$4"

one_test()
{
	local name="${1/\//_}"
	mkdir -m 755 "pjdfstest.${name}" && cd "pjdfstest.${name}" || exit 1
	timeout "${SECONDS_MAX}" bash "${BUILT}/tests/${1}.t" >"${OUT}/${name}.tap" 2>"${OUT}/${name}.err"
	cd .. && rm -rf "pjdfstest.${name}"
}
export -f one_test

# Many of them sleep for a second, so that a time can be seen to change: others go on meanwhile.
xargs -P "$3" -I{} bash -c 'one_test {}' <"${OUT}/tests"
