/*
 * winrun.exe: starts one Windows program for a Unix caller and brings its exit code back whole.
 *
 * A Unix exit status holds eight bits, a Windows one thirty-two (9009, 0xC0000005). Wine drops the
 * rest at its border, so the code is also written, in decimal, to a file that the caller names. And
 * Wine quotes arguments that come from Unix once more, which breaks what cmd.exe is given: the
 * command line therefore comes in a variable, as it stands.
 *
 * Without a command it is the keeper: started at boot, it holds a hidden console in UTF-8, which
 * every later program shares. A console of one's own would cost each of them a tenth of a second
 * and speak code page 437; without any, `chcp` fails.
 *
 * Node.js ends at once when its outputs are pipes of Unix: it asks them for things that only a pipe of
 * Windows' own can answer. With DORMER_PIPES set, the program gets such pipes, and what it writes to
 * them is passed on. Not for everyone: a line of cmd.exe takes twice as long through one.
 *
 * Uses kernel32 alone: every further library costs a tenth of a second under emulation.
 */
#include <windows.h>

enum {
    COULD_NOT_START = 9009, /* what cmd.exe says of a program that it cannot find */
    PIECE = 1 << 16,        /* how much is passed on at a time, in bytes */
};

/* Where the keeper writes its process id, in decimal. */
static const WCHAR keeper_file[] = L"Z:\\run\\wine\\keeper";
static const WCHAR keeper_role[] = L"DORMER_KEEPER";

static void *allocate(SIZE_T bytes) { return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, bytes); }

/* The value of a variable, which is removed so that the program does not see it; or null. */
static WCHAR *take_variable(const WCHAR *name)
{
    DWORD length = GetEnvironmentVariableW(name, NULL, 0);
    WCHAR *value = length ? allocate(length * sizeof *value) : NULL;
    if (value) {
        GetEnvironmentVariableW(name, value, length);
        SetEnvironmentVariableW(name, NULL);
    }
    return value;
}

static void write_all(HANDLE file, const char *text, DWORD length)
{
    DWORD written;
    WriteFile(file, text, length, &written, NULL);
}

/* Writes VALUE in decimal before END; returns how many digits. */
static DWORD decimal(DWORD value, char *end)
{
    char *p = end;
    do *--p = '0' + value % 10; while (value /= 10);
    return end - p;
}

static void write_number(const WCHAR *path, DWORD number)
{
    char text[11];
    DWORD digits = decimal(number, text + 10);
    HANDLE file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return;
    text[10] = '\n';
    write_all(file, text + 10 - digits, digits + 1);
    CloseHandle(file);
}

static DWORD read_number(const WCHAR *path)
{
    char text[11];
    DWORD length = 0, number = 0, i;
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 0;
    ReadFile(file, text, sizeof text, &length, NULL);
    CloseHandle(file);
    for (i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        number = number * 10 + (text[i] - '0');
    return number;
}

static void complain(const WCHAR *command, DWORD error)
{
    HANDLE out = GetStdHandle(STD_ERROR_HANDLE);
    char number[10], *text;
    DWORD digits = decimal(error, number + 10);
    int length = WideCharToMultiByte(CP_UTF8, 0, command, -1, NULL, 0, NULL, NULL);
    if (!(text = allocate(length))) return;
    WideCharToMultiByte(CP_UTF8, 0, command, -1, text, length, NULL, NULL);
    write_all(out, "cannot start ", 13);
    write_all(out, text, length - 1);
    write_all(out, ": Windows error ", 16);
    write_all(out, number + 10 - digits, digits);
    write_all(out, "\r\n", 2);
}

/* Runs COMMAND on our own standard handles; FLAGS are those of CreateProcess. */
static DWORD run(WCHAR *command, STARTUPINFOW *startup, DWORD flags)
{
    PROCESS_INFORMATION process;
    DWORD code = COULD_NOT_START;
    if (!CreateProcessW(NULL, command, NULL, NULL, TRUE, flags, NULL, NULL, startup, &process)) {
        complain(command, GetLastError());
        return code;
    }
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}

/* One of a program's outputs: a pipe of Windows' own, and the handle from Unix that it is passed on to. */
struct output {
    HANDLE from, to, thread;
    volatile LONG program_ended;
};

/* Whether there is something to read, or may come to be. */
static BOOL may_have_more(struct output *output)
{
    DWORD waiting = 0;
    if (!output->program_ended) return TRUE;
    return PeekNamedPipe(output->from, NULL, 0, NULL, &waiting, NULL) && waiting;
}

static DWORD WINAPI pass_on(void *argument)
{
    struct output *output = argument;
    char *piece = allocate(PIECE);
    DWORD length;
    while (may_have_more(output)) {
        if (ReadFile(output->from, piece, PIECE, &length, NULL)) write_all(output->to, piece, length);
        else if (GetLastError() != ERROR_OPERATION_ABORTED) break;
    }
    return 0;
}

/* Puts a pipe before one of the program's outputs; without one, the output stays as it is. */
static struct output *interpose(HANDLE *handle)
{
    SECURITY_ATTRIBUTES inherited = { sizeof inherited, NULL, TRUE };
    struct output *output = allocate(sizeof *output);
    HANDLE end;
    if (!CreatePipe(&output->from, &end, &inherited, PIECE)) return NULL;
    SetHandleInformation(output->from, HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation(*handle, HANDLE_FLAG_INHERIT, 0);
    output->to = *handle;
    *handle = end;
    output->thread = CreateThread(NULL, 0, pass_on, output, 0, NULL);
    return output;
}

/* Passes on the rest of what was written. A child of the program's that holds the pipe is not waited
   for. */
static void drain(struct output *output)
{
    if (!output) return;
    InterlockedExchange(&output->program_ended, TRUE);
    /* More than once: the reader may be just about to wait when it is called back. */
    do CancelSynchronousIo(output->thread);
    while (WaitForSingleObject(output->thread, 10) == WAIT_TIMEOUT);
}

/* Runs COMMAND with pipes of Windows' own as its outputs. */
static DWORD run_piped(WCHAR *command, STARTUPINFOW *startup)
{
    struct output *out = interpose(&startup->hStdOutput);
    struct output *error = interpose(&startup->hStdError);
    DWORD code = run(command, startup, 0);
    drain(out);
    drain(error);
    return code;
}

/* What is meant for a step's programs must not end the process that waits for them. */
static BOOL WINAPI outlive(DWORD event)
{
    (void)event;
    return TRUE;
}

static void join_console(void)
{
    DWORD keeper = read_number(keeper_file);
    if (!keeper) return;
    FreeConsole();
    if (AttachConsole(keeper)) SetConsoleCtrlHandler(outlive, TRUE);
}

/* First without a console; the process that it starts with a hidden one is the real keeper. */
static void keep(STARTUPINFOW *startup)
{
    if (!take_variable(keeper_role)) {
        WCHAR *self = allocate((MAX_PATH + 1) * sizeof *self);
        GetModuleFileNameW(NULL, self, MAX_PATH);
        SetEnvironmentVariableW(keeper_role, L"1");
        ExitProcess(run(self, startup, CREATE_NO_WINDOW));
    }
    SetConsoleCtrlHandler(outlive, TRUE);
    SetConsoleCP(CP_UTF8);
    SetConsoleOutputCP(CP_UTF8);
    write_number(keeper_file, GetCurrentProcessId());
    for (;;) Sleep(INFINITE);
}

void start(void)
{
    STARTUPINFOW *startup = allocate(sizeof *startup);
    WCHAR *command = take_variable(L"DORMER_COMMAND");
    WCHAR *exit_file = take_variable(L"DORMER_EXIT_FILE");
    WCHAR *pipes = take_variable(L"DORMER_PIPES");
    DWORD code;

    startup->cb = sizeof *startup;
    startup->dwFlags = STARTF_USESTDHANDLES;
    startup->hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup->hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup->hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!command) keep(startup);
    join_console();
    code = pipes ? run_piped(command, startup) : run(command, startup, 0);
    if (exit_file) write_number(exit_file, code);
    ExitProcess(code);
}
