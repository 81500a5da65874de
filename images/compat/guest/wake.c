/*
 * What a machine does first when it wakes from a template, as root, before anyone may log in:
 *
 *     wake SECONDS.NANOSECONDS
 *     wake --wait
 *
 * Sets the clock, feeds the kernel's random numbers with what the machine's own seed disk brings and
 * has them made anew, and takes the login key and the name from that disk. All copies of a template
 * are the same until this has run. A C program, because a script of ten commands would cost ten times
 * as much under emulation.
 *
 * With --wait it leaves a process behind that is frozen with the machine. In a copy it reads the time from
 * the host's port, a line, and answers with a line, "ok" or what went wrong: no program has to be
 * started, which is most of the cost under emulation.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SEED "/dev/vdb"
#define PORTS "/sys/class/virtio-ports"
#define PORT "dormer.wake\n"
#define BLOCK 512
#define RANDOM_BYTES 64

/* The disk's contents, a tar file. The kernel's copy of it is the template's: it is not asked. */
static char seed[16384] __attribute__((aligned(4096)));
static size_t seed_length;

/* Where the host is told what went wrong. */
static int answer = STDERR_FILENO;

static void die(const char *what)
{
    dprintf(answer, "wake: %s: %s\n", what, strerror(errno));
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
    put("/run/dormer/hosts", hosts, (size_t)written);
}

static void become_another_machine(const char *time)
{
    set_clock(time);
    read_seed();
    renew_randomness();
    take_identity();
}

/* The host's port. Found by name: numbers depend on the order of devices. */
static int open_port(void)
{
    DIR *ports = opendir(PORTS);
    if (!ports) die(PORTS);
    struct dirent *entry;
    while ((entry = readdir(ports))) {
        char path[300], name[sizeof PORT] = "";
        snprintf(path, sizeof path, PORTS "/%s/name", entry->d_name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) continue;
        ssize_t got = read(file, name, sizeof name - 1);
        close(file);
        if (got < 0 || strcmp(name, PORT)) continue;
        snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        int port = open(path, O_RDWR | O_CLOEXEC);
        if (port < 0) die(path);
        closedir(ports);
        return port;
    }
    errno = ENOENT;
    die("the port dormer.wake");
    return -1;
}

/* A line from the port, without its end. A read returns nothing at once while the host is not there, and
 * tells nobody when it comes: it is tried again, which costs a sleeping machine nothing. */
static void read_line(int port, char *line, size_t size)
{
    size_t length = 0;
    for (;;) {
        ssize_t got = read(port, line + length, size - 1 - length);
        if (got < 0 && errno != EINTR && errno != EAGAIN) die("reading the time");
        if (got > 0) length += (size_t)got;
        line[length] = 0;
        char *end = strchr(line, '\n');
        if (end) { *end = 0; return; }
        if (length == size - 1) { errno = EINVAL; die("the time"); }
        if (got <= 0) nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
}

static int wait_for_host(void)
{
    int port = open_port();
    /* Its child goes on; nothing of whoever started this may be held open. */
    if (daemon(0, 0)) die("going on in the background");
    /* No part of it may have to come from the disk when the machine wakes. */
    if (mlockall(MCL_CURRENT)) die("staying in memory");
    char line[64];
    read_line(port, line, sizeof line);
    answer = port;
    become_another_machine(line);
    dprintf(port, "ok\n");
    /* The host reads before it closes; the port's end would discard what it has not read. */
    for (int left = 200; left && read(port, line, 1) != 0; left--)
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    return 0;
}

int main(int count, char **arguments)
{
    if (count != 2) { fprintf(stderr, "usage: wake SECONDS.NANOSECONDS|--wait\n"); return 2; }
    if (!strcmp(arguments[1], "--wait")) return wait_for_host();
    become_another_machine(arguments[1]);
    return 0;
}
