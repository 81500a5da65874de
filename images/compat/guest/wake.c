/*
 * What a machine does first when it wakes from a template, as root, before anyone may log in:
 *
 *     wake SECONDS.NANOSECONDS
 *
 * Sets the clock, feeds the kernel's random numbers with what the machine's own seed disk brings and
 * has them made anew, and takes the login key and the name from that disk. All copies of a template
 * are the same until this has run. A C program, because a script of ten commands would cost ten times
 * as much under emulation.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SEED "/dev/vdb"
#define BLOCK 512
#define RANDOM_BYTES 64

/* The disk's contents, a tar file. The kernel's copy of it is the template's: it is not asked. */
static char seed[16384] __attribute__((aligned(4096)));
static size_t seed_length;

static void die(const char *what)
{
    fprintf(stderr, "wake: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void set_clock(const char *text)
{
    char *rest;
    struct timespec now = { .tv_sec = strtoll(text, &rest, 10) };
    if (*rest != '.') { errno = EINVAL; die(text); }
    now.tv_nsec = strtol(rest + 1, NULL, 10);
    if (clock_settime(CLOCK_REALTIME, &now)) die("setting the clock");
}

static void read_seed(void)
{
    int disk = open(SEED, O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (disk < 0) die(SEED);
    ssize_t got = read(disk, seed, sizeof seed);
    if (got < 0) die(SEED);
    seed_length = (size_t)got;
    close(disk);
}

/* A file of the tar, or the end of the program: the host puts all of them there. */
static const char *find(const char *name, size_t *length)
{
    for (size_t at = 0; at + BLOCK <= seed_length && seed[at];) {
        size_t size = strtoul(seed + at + 124, NULL, 8);
        if (size > seed_length - at - BLOCK) break;
        if (!strncmp(seed + at, name, 100)) {
            *length = size;
            return seed + at + BLOCK;
        }
        at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    }
    errno = ENOENT;
    die(name);
    return NULL;
}

static void renew_randomness(void)
{
    struct { int bits, bytes; char data[RANDOM_BYTES]; } pool = { 8 * RANDOM_BYTES, RANDOM_BYTES, "" };
    size_t length;
    const char *fresh = find("random", &length);
    if (length < RANDOM_BYTES) { errno = EINVAL; die("the seed's random bytes"); }
    memcpy(pool.data, fresh, RANDOM_BYTES);
    int device = open("/dev/urandom", O_RDWR | O_CLOEXEC);
    if (device < 0) die("/dev/urandom");
    if (ioctl(device, RNDADDENTROPY, &pool)) die("adding randomness");
    /* Otherwise the old numbers would go on for up to a minute. */
    if (ioctl(device, RNDRESEEDCRNG)) die("renewing random numbers");
    close(device);
}

/* Written aside and renamed: a login that reads it meanwhile finds the one or the other. */
static void put(const char *path, const char *bytes, size_t length)
{
    char aside[128];
    snprintf(aside, sizeof aside, "%s.new", path);
    int file = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0 || write(file, bytes, length) != (ssize_t)length || close(file)) die(aside);
    if (chmod(aside, 0644) || rename(aside, path)) die(path);
}

static void take_identity(void)
{
    size_t length, name_length;
    const char *keys = find("authorized_keys", &length);
    put("/run/dormer/authorized_keys", keys, length);
    const char *name = find("hostname", &name_length);
    while (name_length && name[name_length - 1] == '\n') name_length--;
    if (sethostname(name, name_length)) die("setting the name");
    char hosts[256];
    int written = snprintf(hosts, sizeof hosts, "127.0.0.1 localhost %.*s\n", (int)name_length, name);
    put("/etc/hosts", hosts, (size_t)written);
}

int main(int count, char **arguments)
{
    if (count != 2) { fprintf(stderr, "usage: wake SECONDS.NANOSECONDS\n"); return 2; }
    set_clock(arguments[1]);
    read_seed();
    renew_randomness();
    take_identity();
    return 0;
}
