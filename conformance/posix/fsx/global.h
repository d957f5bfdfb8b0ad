/* What fsx.c needs of the header of this name that lies beside it, without what that one wants of XFS. */
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>

#include <assert.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/types.h>
#include <stdint.h>
#include <unistd.h>

#define rounddown_64(x, y) ((uint64_t)(x) / (y) * (y))
#define roundup_64(x, y) rounddown_64((uint64_t)(x) + (y)-1, y)
#ifndef min
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#endif
