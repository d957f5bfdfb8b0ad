"""One step of the NFS bench, run in the mount: `guest.py '{"step": "create", "folder": "a", ...}'`.

Prints one line of JSON: operations, bytes and seconds, and of what is done file by file in how many milliseconds half of
the files and 99 of a hundred were done. A step is one process and all its operations, for starting a process in a small
virtual machine takes longer than most operations. What a step needs before the clock starts, such as a cold cache, it
sees to itself.
"""

import json
import mmap
import os
import random
import sys
import threading
import time

MIB = 1 << 20
BLOCK = 4096


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")


def in_threads(count, work):
    """Calls `work(number)` in each of so many threads; returns the seconds from first to last."""
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - start
    if failures:
        raise failures[0]
    return seconds


def timed(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


def page_aligned(length):
    """Memory that a file may be read into and written from without the client's cache."""
    memory = mmap.mmap(-1, length)
    memory.write(os.urandom(length))
    return memory


def write(plan):
    """To the end of the fsync: all is on stable storage then, whatever each WRITE was answered."""
    size = plan["sizeBytes"]
    piece = bytearray(os.urandom(MIB))

    def work():
        fd = os.open(plan["folder"] + "/large", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        for number in range(size // MIB):
            piece[0:8] = number.to_bytes(8, "little")
            os.write(fd, piece)
        os.fsync(fd)
        os.close(fd)

    return {"operations": size // MIB, "bytes": size, "seconds": timed(work)}


def read(plan):
    """The first bytes of each piece tell whether it is the right one."""
    size = plan["sizeBytes"]
    drop_caches()
    into = bytearray(MIB)

    def work():
        fd = os.open(plan["folder"] + "/large", os.O_RDONLY)
        for number in range(size // MIB):
            got = os.readv(fd, [into])
            if got != MIB or int.from_bytes(into[0:8], "little") != number:
                raise RuntimeError("piece %d is another: %d bytes" % (number, got))
        os.close(fd)

    return {"operations": size // MIB, "bytes": size, "seconds": timed(work)}


def at_random(plan, flags, transfer):
    """4 KiB at random places of the large file, past the client's cache."""
    threads, each = plan["threads"], plan["operations"] // plan["threads"]
    blocks = plan["sizeBytes"] // BLOCK
    drop_caches()

    def work(number):
        place = random.Random(number)
        memory = page_aligned(BLOCK)
        fd = os.open(plan["folder"] + "/large", flags | os.O_DIRECT)
        for _ in range(each):
            if transfer(fd, [memory], place.randrange(blocks) * BLOCK) != BLOCK:
                raise RuntimeError("a short transfer")
        os.close(fd)

    seconds = in_threads(threads, work)
    return {"operations": each * threads, "bytes": each * threads * BLOCK, "seconds": seconds}


def random_read(plan):
    return at_random(plan, os.O_RDONLY, os.preadv)


def random_write(plan):
    """O_DSYNC: each write is on stable storage when it returns."""
    return at_random(plan, os.O_WRONLY | os.O_DSYNC, os.pwritev)


def folder_of(plan, number):
    # A directory for each thread: the client lets one process at a time change a directory.
    return "%s/%d" % (plan["folder"], number)


def names(plan):
    return ["file-%06d" % number for number in range(plan["files"] // plan["threads"])]


def each_file(plan, work):
    all_names = names(plan)
    took = [[] for _ in range(plan["threads"])]

    def in_folder(number):
        folder = folder_of(plan, number)
        for name in all_names:
            start = time.monotonic()
            work(folder + "/" + name)
            took[number].append(time.monotonic() - start)

    seconds = in_threads(plan["threads"], in_folder)
    each = sorted(one for of_thread in took for one in of_thread)
    return {
        "operations": len(each),
        "bytes": 0,
        "seconds": seconds,
        "p50": each[len(each) // 2] * 1000,
        "p99": each[len(each) * 99 // 100] * 1000,
    }


def create(plan):
    content = os.urandom(plan["fileBytes"])
    for number in range(plan["threads"]):
        os.makedirs(folder_of(plan, number))

    def one(path):
        fd = os.open(path, os.O_CREAT | os.O_WRONLY)
        if content:
            os.write(fd, content)
        # Closing sends what was written and waits until it is on stable storage.
        os.close(fd)

    return {**each_file(plan, one), "bytes": plan["files"] * plan["fileBytes"]}


def stat(plan):
    drop_caches()
    return each_file(plan, os.stat)


def read_files(plan):
    drop_caches()

    def one(path):
        fd = os.open(path, os.O_RDONLY)
        if len(os.read(fd, plan["fileBytes"] + 1)) != plan["fileBytes"]:
            raise RuntimeError(path + " has another length")
        os.close(fd)

    return {**each_file(plan, one), "bytes": plan["files"] * plan["fileBytes"]}


def listing(plan, look):
    expected = len(names(plan))
    drop_caches()

    def work(number):
        with os.scandir(folder_of(plan, number)) as entries:
            found = sum(1 for entry in entries if look(entry))
        if found != expected:
            raise RuntimeError("%d of %d names listed" % (found, expected))

    seconds = in_threads(plan["threads"], work)
    return {"operations": expected * plan["threads"], "bytes": 0, "seconds": seconds}


def list_names(plan):
    return listing(plan, lambda entry: entry.name)


def list_attributes(plan):
    return listing(plan, lambda entry: entry.stat(follow_symlinks=False))


def remove(plan):
    done = each_file(plan, os.unlink)
    for number in range(plan["threads"]):
        os.rmdir(folder_of(plan, number))
    return done


def remove_large(plan):
    def work():
        os.unlink(plan["folder"] + "/large")
        os.rmdir(plan["folder"])

    return {"operations": 2, "bytes": 0, "seconds": timed(work)}


def make_folder(plan):
    return {"operations": 1, "bytes": 0, "seconds": timed(lambda: os.makedirs(plan["folder"]))}


STEPS = {
    step.__name__: step
    for step in (
        create,
        list_attributes,
        list_names,
        make_folder,
        random_read,
        random_write,
        read,
        read_files,
        remove,
        remove_large,
        stat,
        write,
    )
}

def waited_seconds():
    """From the sending of each of the mount's calls to its reply, all calls together: as the kernel counts it."""
    milliseconds = 0
    with open("/proc/self/mountstats") as file:
        for device in file.read().split("\ndevice ")[1:]:
            if " with fstype nfs " not in device:
                continue
            for line in device.partition("per-op statistics")[2].splitlines():
                fields = line.split()
                if len(fields) >= 8:
                    milliseconds += int(fields[7])
    return milliseconds / 1000


def run(plan):
    before = waited_seconds()
    done = STEPS[plan["step"]](plan)
    return {**done, "waitedSeconds": waited_seconds() - before}


print(json.dumps(run(json.loads(sys.argv[1]))))
