/*
 * Leaves an SSH server behind that has started already, for the first connection to a machine that wakes:
 *
 *     login PORT
 *
 * It returns when that server has been told the client's banner and waits for its offer of keys. The server
 * is frozen with the machine so; in a copy, who connects to PORT and shows that banner is joined to it.
 * Under emulation, starting the server's three programs would be half of the time to the first answer.
 * Copies share the server's banner and its own offer, which are no secret; its half of a key is drawn from
 * the kernel when the client has sent its own, which the host does when the copy has randomness of its own
 * (wake.c). There is one such server: the next connections are refused here, and go to the usual port.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENT "SSH-2.0-Dormer\r\n"
/* The first byte of the server's offer of keys. */
#define KEXINIT 20
/* Milliseconds, for the server to start in. */
#define STARTS 60000
/* Bytes that are passed on at a time: what a pipe holds. */
#define PIECE 65536

static void die(const char *what)
{
    fprintf(stderr, "login: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int listen_at(const char *port)
{
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
    if (door < 0 || bind(door, (struct sockaddr *)&at, sizeof at) || listen(door, 1)) die(port);
    return door;
}

/* The host's end of a connection to a new server, as inetd would start one. */
static int start_server(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) die("a connection");
    pid_t server = fork();
    if (server < 0) die("another process");
    if (server == 0) {
        int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (setsid() < 0 || dup2(ends[1], STDIN_FILENO) < 0 || dup2(ends[1], STDOUT_FILENO) < 0 ||
            dup2(nowhere, STDERR_FILENO) < 0) die("its connection");
        /* It waits for as long as the machine sleeps. */
        execl("/usr/sbin/sshd", "sshd", "-i", "-o", "LoginGraceTime=0", (char *)NULL);
        die("sshd");
    }
    close(ends[1]);
    return ends[0];
}

/* What the server has sent: its banner and its offer of keys. */
static unsigned char opening[8192];
static size_t opening_length;

/* Whether these bytes are a banner and behind it a whole packet that offers keys. */
static int is_opening(const unsigned char *bytes, size_t length)
{
    const unsigned char *end = memchr(bytes, '\n', length);
    if (!end) return 0;
    const unsigned char *packet = end + 1;
    size_t left = length - (size_t)(packet - bytes);
    if (left < 6 || packet[5] != KEXINIT) return 0;
    uint32_t size;
    memcpy(&size, packet, sizeof size);
    return left - 4 >= ntohl(size);
}

static void read_opening(int server)
{
    if (send(server, CLIENT, sizeof CLIENT - 1, MSG_NOSIGNAL) != sizeof CLIENT - 1) die("the server");
    struct pollfd readable = { .fd = server, .events = POLLIN };
    while (!is_opening(opening, opening_length)) {
        if (poll(&readable, 1, STARTS) != 1) { errno = ETIMEDOUT; die("the server's offer of keys"); }
        ssize_t got = read(server, opening + opening_length, sizeof opening - opening_length);
        if (got <= 0) { errno = EPROTO; die("the server's offer of keys"); }
        opening_length += (size_t)got;
    }
}

/* Takes the client's banner, which the server was told already. */
static int expects_this_server(int client)
{
    char banner[sizeof CLIENT - 1];
    ssize_t got = recv(client, banner, sizeof banner, MSG_WAITALL);
    return got == sizeof banner && !memcmp(banner, CLIENT, sizeof banner);
}

/* Starts a shell as the login will, and forgets it: an emulator translates each program when it first runs
 * after the machine woke, and has a processor to spare for that until the login is there. */
static void rehearse(void)
{
    if (fork() != 0) return;
    execl("/usr/lib/dormer/shell", "shell", "-c", "bash -c \"exit 0\"", (char *)NULL);
    _exit(127);
}

/* Passes everything on until one end is closed, without a copy of it. */
static void pass_on(int from, int to)
{
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC)) return;
    for (;;) {
        ssize_t got = splice(from, NULL, pipe_ends[1], NULL, PIECE, SPLICE_F_MOVE);
        if (got <= 0) break;
        while (got > 0) {
            ssize_t gone = splice(pipe_ends[0], NULL, to, NULL, (size_t)got, SPLICE_F_MOVE);
            if (gone <= 0) return;
            got -= gone;
        }
    }
    shutdown(to, SHUT_WR);
}

static void join(int client, int server)
{
    signal(SIGPIPE, SIG_IGN);
    pid_t other = fork();
    if (other < 0) return;
    if (other == 0) {
        pass_on(server, client);
        /* The server is gone: what the client still sends has nowhere to go. */
        shutdown(client, SHUT_RDWR);
        _exit(0);
    }
    if (expects_this_server(client)) pass_on(client, server);
    else shutdown(server, SHUT_RDWR);
}

int main(int count, char **arguments)
{
    if (count != 2) { fprintf(stderr, "usage: login PORT\n"); return 2; }
    int door = listen_at(arguments[1]);
    int server = start_server();
    read_opening(server);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    /* Nothing of whoever started this may be held open. */
    if (daemon(0, 0)) die("going on in the background");
    signal(SIGCHLD, SIG_IGN);
    /* No part of it may have to come from the disk when the machine wakes. */
    if (mlockall(MCL_CURRENT)) die("staying in memory");
    int client = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) die("the host's connection");
    /* First of all: the host waits for it. */
    if (write(client, opening, opening_length) != (ssize_t)opening_length) die("the host's connection");
    close(door);
    if (processors > 1) rehearse();
    join(client, server);
    return 0;
}
