#!/bin/bash
# cthon.sh BUILT OUT SECONDS_MAX: runs the Connectathon suite's programs on the file system of the working directory, with
# the arguments that its own scripts give them. Prints a line a program: its name and its exit code. What it says goes to
# OUT/NAME.log.
BUILT="$1" OUT="$2" SECONDS_MAX="$3" HERE="$PWD"
export PATH="${PATH}:." CC=cc CFLAGS="-w -std=gnu89" TMPDIR=
umask 0

run()
{
	local name="$1" folder="$2"
	shift 2
	(cd "${folder}" && timeout "${SECONDS_MAX}" "$@") >"${OUT}/${name}.log" 2>&1
	echo "${name} $?"
}

export NFSTESTDIR="${HERE}/basic"
for how in -f -t; do
	for at in 1 2 3 4 5 6 7 8 9; do
		run "basic${how}-test${at}" "${BUILT}/basic" "./test${at}" "${how}"
	done
done

cp -r "${BUILT}/special" special
run special-op_unlk special ./op_unlk
run special-op_ren special ./op_ren
run special-op_chmod special ./op_chmod
run special-dupreq special ./dupreq 100 testfile
run special-excltest special ./excltest
run special-negseek special ./negseek testfile
run special-rename special ./rename 100
run special-truncate special ./truncate
run special-holey special ./holey
run special-nfsidem special ./nfsidem 50 testdir
run special-rewind special ./rewind
run special-telldir special ./telldir
run special-freesp special ./freesp
run special-bigfile special ./bigfile -s 30 bigfile.file
run special-bigfile2 special ./bigfile2 bigfile.file

cp -r "${BUILT}/general" general
run general general sh runtests.wrk FROM_RUNTESTS

mkdir lock
run lock-tlocklfs "${BUILT}/lock" ./tlocklfs "${HERE}/lock"
run lock-tlock64 "${BUILT}/lock" ./tlock64 "${HERE}/lock"
