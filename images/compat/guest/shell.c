/*
 * The guest's login shell and its way into Windows. One program under several names:
 *
 *   as a login shell        behaves as `cmd.exe /c STRING`, but starts bash, sh and python itself,
 *   (shell -c STRING)       and does `exit CODE`, without Wine, which would cost a second under
 *                           emulation; without a STRING it is cmd.exe itself, on a terminal or for
 *                           lines from a pipe;
 *   cmd, cmd.exe            cmd.exe, for Unix programs that call it;
 *   windows PROGRAM ...     any Windows program by its Unix path (what the kernel runs for an .exe);
 *   script FILE COMMAND     the line COMMAND in Windows, its whole exit code left in FILE;
 *   piped FILE COMMAND      the same, with pipes of Windows' own (see winrun.c);
 *   program NAME ...        a Unix program by its name, with a plain word if there is none.
 *
 * Text passes through untouched: Wine reads UTF-8 from the environment, and winrun.exe takes the
 * command line from there.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define WINE "/usr/lib/wine/wine64"
#define WINRUN "/usr/lib/dormer/winrun.exe"
#define PREFIX "/wine"
#define DRIVE_C PREFIX "/drive_c"

/* Programs that the login shell starts without Wine. */
static const char *const unix_programs[] = { "bash", "sh", "python", "python3", NULL };

/* Wine drops these names, which Unix uses too, unless they come with a prefix of its own. */
static const char *const renamed[] = { "HOME", "TEMP", "TMP", NULL };

static void die(const char *what)
{
    fprintf(stderr, "dormer guest: %s: %s\n", what, strerror(errno));
    exit(127);
}

static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory) die("out of memory");
    return memory;
}

/* A text that grows. */
struct text { char *bytes; size_t length, room; };

static void append(struct text *text, const char *bytes, size_t length)
{
    if (text->length + length + 1 > text->room) {
        text->room = 2 * (text->length + length + 64);
        if (!(text->bytes = realloc(text->bytes, text->room))) die("out of memory");
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = 0;
}

static void append_string(struct text *text, const char *string)
{
    append(text, string, strlen(string));
}

/* One argument, quoted as the C runtime of Windows takes it apart. */
static void append_argument(struct text *line, const char *argument)
{
    size_t backslashes = 0;
    if (line->length) append(line, " ", 1);
    if (*argument && !strpbrk(argument, " \t\n\v\"")) {
        append_string(line, argument);
        return;
    }
    append(line, "\"", 1);
    for (; *argument; argument++) {
        if (*argument == '\\') {
            backslashes++;
        } else {
            if (*argument == '"')
                for (backslashes++; backslashes; backslashes--) append(line, "\\", 1);
            backslashes = 0;
        }
        append(line, argument, 1);
    }
    for (; backslashes; backslashes--) append(line, "\\", 1);
    append(line, "\"", 1);
}

/* /wine/drive_c/a/b (or /C:/a/b) is C:\a\b; every other path is on the drive Z:. */
static void append_windows_path(struct text *text, const char *path)
{
    char resolved[PATH_MAX];
    size_t i, start;
    if (!realpath(path, resolved)) snprintf(resolved, sizeof resolved, "%s", path);
    if (!strncmp(resolved, DRIVE_C "/", sizeof DRIVE_C)) {
        append_string(text, "C:");
        path = resolved + sizeof DRIVE_C - 1;
    } else {
        append_string(text, "Z:");
        path = resolved;
    }
    start = text->length;
    append_string(text, path);
    for (i = start; i < text->length; i++)
        if (text->bytes[i] == '/') text->bytes[i] = '\\';
}

/* What Wine takes from the environment. */
static void set_wine_up(void)
{
    const char *const *name;
    setenv("WINEPREFIX", PREFIX, 1);
    setenv("WINEDEBUG", "-all", 0);
    for (name = renamed; *name; name++) {
        const char *value = getenv(*name);
        char wine_name[16];
        /* A Unix path is Unix's own value, not one that a step gave. */
        if (!value || *value == '/') continue;
        snprintf(wine_name, sizeof wine_name, "WINE%s", *name);
        setenv(wine_name, value, 1);
    }
}

/* Becomes a Windows process that runs LINE; its exit code goes to EXIT_FILE too, if that is given. */
static void run_line(const char *line, const char *exit_file)
{
    set_wine_up();
    setenv("DORMER_COMMAND", line, 1);
    if (exit_file) {
        struct text path = { 0 };
        append_windows_path(&path, exit_file);
        setenv("DORMER_EXIT_FILE", path.bytes, 1);
    } else {
        unsetenv("DORMER_EXIT_FILE");
    }
    execl(WINE, WINE, WINRUN, (char *)NULL);
    die(WINE);
}

static void run_arguments(struct text *line, char **arguments)
{
    for (; *arguments; arguments++) append_argument(line, *arguments);
    run_line(line->bytes, NULL);
}

/*
 * Takes a command line apart as the C runtime of Windows does; single quotes quote too, as for the
 * bash that comes with Git for Windows.
 */
static char **split(const char *string)
{
    char **arguments = allocate((strlen(string) / 2 + 2) * sizeof *arguments);
    size_t count = 0;
    for (;;) {
        struct text argument = { 0 };
        char quote = 0;
        while (*string == ' ' || *string == '\t') string++;
        if (!*string) break;
        append(&argument, "", 0);
        for (; *string && (quote || (*string != ' ' && *string != '\t')); string++) {
            size_t backslashes = strspn(string, "\\");
            if (quote == *string) {
                quote = 0;
            } else if (!quote && (*string == '"' || *string == '\'')) {
                quote = *string;
            } else if (quote != '\'' && backslashes && string[backslashes] == '"') {
                append(&argument, string, backslashes / 2);
                string += backslashes;
                if (backslashes % 2 == 0) string--;
                else append(&argument, "\"", 1);
            } else if (backslashes) {
                append(&argument, string, backslashes);
                string += backslashes - 1;
            } else {
                append(&argument, string, 1);
            }
        }
        arguments[count++] = argument.bytes;
    }
    return arguments;
}

static int is_unix_program(const char *string)
{
    const char *const *name;
    size_t length = strcspn(string, " \t");
    for (name = unix_programs; *name; name++)
        if (length == strlen(*name) && !strncmp(string, *name, length)) return 1;
    return 0;
}

/* Ends with the code of `exit CODE`, if that is all. */
static void exit_at_once(const char *string)
{
    char *rest;
    long code;
    if (strncmp(string, "exit ", 5) || string[5] < '0' || string[5] > '9') return;
    code = strtol(string + 5, &rest, 10);
    if (!*rest) exit((int)code);
}

static void run_string(const char *string)
{
    struct text line = { 0 };
    while (*string == ' ' || *string == '\t') string++;
    exit_at_once(string);
    if (is_unix_program(string)) {
        char **arguments = split(string);
        execvp(arguments[0], arguments);
        die(arguments[0]);
    }
    /* /s: cmd takes away this outer pair of quotes and leaves the rest as it is. */
    append_string(&line, "cmd.exe /s /c \"");
    append_string(&line, string);
    append_string(&line, "\"");
    run_line(line.bytes, NULL);
}

/* Returns when what was written to PIPE has been read; ends with its reader. */
static void await_reader(int pipe)
{
    struct pollfd end = { pipe, 0, 0 };
    int unread;
    while (!ioctl(pipe, FIONREAD, &unread) && unread > 0)
        if (poll(&end, 1, 5) > 0) _exit(0);
}

/*
 * Hands on standard input one line at a time: Wine's cmd.exe takes all that it can get from a pipe,
 * and throws away what is behind the first line.
 */
static void feed_lines(void)
{
    int ends[2];
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    if (pipe(ends)) die("pipe");
    switch (fork()) {
    case -1:
        die("fork");
    case 0:
        break;
    default:
        dup2(ends[0], 0);
        close(ends[0]);
        close(ends[1]);
        return;
    }
    /* The outputs are cmd.exe's: they end when that does. */
    close(ends[0]);
    close(1);
    close(2);
    while ((length = getline(&line, &room, stdin)) > 0) {
        await_reader(ends[1]);
        if (write(ends[1], line, length) != length) break;
        if (line[length - 1] != '\n' && write(ends[1], "\n", 1) != 1) break;
    }
    await_reader(ends[1]);
    _exit(0);
}

/* What is typed before Wine's console listens must reach it as it was typed. */
static void leave_typing_alone(void)
{
    struct termios terminal;
    if (tcgetattr(0, &terminal)) return;
    terminal.c_iflag &= ~(ICRNL | IXON);
    terminal.c_lflag &= ~(ICANON | ECHO | ISIG);
    tcsetattr(0, TCSANOW, &terminal);
}

/* Becomes cmd.exe for whoever types, or for commands from a pipe. */
static void run_prompt(void)
{
    if (isatty(0)) {
        /* Not by winrun.exe, which would exchange the terminal for the console that steps share. */
        leave_typing_alone();
        set_wine_up();
        execl(WINE, WINE, "cmd.exe", (char *)NULL);
        die(WINE);
    }
    feed_lines();
    run_line("cmd.exe /q", NULL);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    struct text line = { 0 };
    const char *name = base_name(argv[0]);

    if (!strcmp(name, "cmd") || !strcmp(name, "cmd.exe")) {
        append_string(&line, "cmd.exe");
        run_arguments(&line, argv + 1);
    } else if (!strcmp(name, "windows") && argc > 1) {
        struct text program = { 0 };
        append_windows_path(&program, argv[1]);
        append_argument(&line, program.bytes);
        run_arguments(&line, argv + 2);
    } else if (!strcmp(name, "script") && argc == 3) {
        run_line(argv[2], argv[1]);
    } else if (!strcmp(name, "piped") && argc == 3) {
        setenv("DORMER_PIPES", "1", 1);
        run_line(argv[2], argv[1]);
    } else if (!strcmp(name, "program") && argc > 1) {
        execvp(argv[1], argv + 1);
        die(argv[1]);
    } else if (argc == 3 && !strcmp(argv[1], "-c")) {
        run_string(argv[2]);
    } else if (argc == 1) {
        run_prompt();
    }
    fprintf(stderr, "dormer guest: usage: %s [-c COMMAND]\n", name);
    return 2;
}
