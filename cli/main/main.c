/* The `party` program: one binary for the command and the node.
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/paths.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "demo/demo.h"

static bool asks_for_help(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

/* `party node`: the options, the paths, and then the node itself. */
static int run_node(int argc, char *argv[])
{
    struct daemon_config config;
    struct paths paths;
    char message[512];
    int err;

    options_default(&config);
    err = options_parse(argc - 1, argv + 1, &config, message, sizeof(message));
    if (err != 0)
        return cli_complain(err, message, "");
    if (paths_resolve(config.data_dir, NULL, &paths) != 0)
        return cli_complain(ERR_FILE, "no place for the node's data is known",
                            "set HOME, or give --data-dir DIR");
    config.data_dir = paths.data_dir;
    config.control_path = paths.control;
    return daemon_run(&config);
}

/* `party sim`: the other program, which lies beside this one or in PATH. */
static int run_sim(char *argv[])
{
    char self[PATH_MAX];
    char path[PATH_MAX + 16];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (n > 0) {
        self[n] = '\0';
        slash = strrchr(self, '/');
        if (slash != NULL)
            *slash = '\0';
        snprintf(path, sizeof(path), "%s/party-sim", self);
        execv(path, argv);
    }
    execvp("party-sim", argv);
    return cli_complain(ERR_NOT_FOUND, "party-sim is not installed",
                        "build and install it: make install");
}

static int run(int argc, char *argv[])
{
    const char *verb = argv[1];
    bool is_node = strcmp(verb, "node") == 0;

    if (strcmp(verb, "--version") == 0) {
        puts("party " PARTY_VERSION);
        return 0;
    }
    if ((is_node || strcmp(verb, "up") == 0) && asks_for_help(argc - 1, argv + 1)) {
        fputs(options_help(), stdout);
        return 0;
    }
    if (is_node)
        return run_node(argc - 1, argv + 1);
    if (strcmp(verb, "demo") == 0)
        return demo_main(argc - 1, argv + 1);
    if (strcmp(verb, "sim") == 0)
        return run_sim(argv + 1);
    return cli_run(argc - 1, argv + 1);
}

int main(int argc, char *argv[])
{
    char help[] = "--help";
    char *swapped[] = { argv[0], argc > 2 ? argv[2] : NULL, help, NULL };

    setlocale(LC_CTYPE, "");
    if (argc == 1) {
        cli_help();
        return 0;
    }
    /* `party help VERB` is `party VERB --help`. */
    if (strcmp(argv[1], "help") == 0 && argc > 2)
        return run(3, swapped);
    return run(argc, argv);
}
