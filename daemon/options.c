/* SPDX-License-Identifier: MIT */
#include "daemon/options.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "daemon/sockaddr.h"

void options_default(struct daemon_config *config)
{
    const struct passwd *user = getpwuid(geteuid());
    char host[64] = "localhost";
    char name[160];

    (void)gethostname(host, sizeof(host) - 1);
    *config = (struct daemon_config){ .listen = { .port = DAEMON_PORT, .len = 4 },
                                      .audio = "alsa:default",
                                      .log_level = LOG_INFO };
    snprintf(name, sizeof(name), "%.64s@%.64s", user != NULL ? user->pw_name : "user",
             host);
    if (!text_is_utf8(name, strlen(name)))
        snprintf(name, sizeof(name), "somebody");
    text_copy(config->name, sizeof(config->name), name, strlen(name));
}

struct context {
    struct daemon_config *config;
    char *message;
    size_t size;
};

static int refuse(struct context *c, const char *option, const char *value,
                  const char *what)
{
    snprintf(c->message, c->size, "%s %s: %s", option, *value != '\0' ? value : "\"\"",
             what);
    return ERR_USAGE;
}

static int set_listen(struct context *c, const char *value)
{
    uint16_t port = DAEMON_PORT;
    const char *bare = value[0] == ':' ? value + 1 : value;
    char *end;
    long number = strtol(bare, &end, 10);

    /* A port alone, "4748" or ":4748", listens on every address. */
    if (*bare >= '0' && *bare <= '9' && *end == '\0' && number <= 65535) {
        c->config->listen = (struct addr){ .len = 4, .port = (uint16_t)number };
        return 0;
    }
    if (addr_parse(value, port, &c->config->listen) == 0)
        return 0;
    return refuse(c, "--listen", value,
                  "is no address of this machine; write it as 0.0.0.0:4747 or [::]:4747");
}

static int check_host(struct context *c, const char *option, const char *value)
{
    char host[256];
    uint16_t port;

    if (sockaddr_split(value, 1, host, sizeof(host), &port) == 0)
        return 0;
    return refuse(c, option, value,
                  "is not HOST or HOST:PORT; for example pi.local:4747");
}

static int set_join(struct context *c, const char *value)
{
    if (c->config->join_count == DAEMON_JOINS_MAX)
        return refuse(c, "--join", value, "is one too many; eight are enough to get in");
    c->config->joins[c->config->join_count++] = value;
    return check_host(c, "--join", value);
}

static int set_ntp(struct context *c, const char *value)
{
    if (c->config->ntp_count == DAEMON_NTP_MAX)
        return refuse(c, "--ntp", value, "is one too many; up to eight are asked");
    c->config->ntp[c->config->ntp_count++] = value;
    return check_host(c, "--ntp", value);
}

static bool is_plain(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    }
    return true;
}

static int set_name(struct context *c, const char *value)
{
    size_t len = strlen(value);

    if (len == 0 || len > DAEMON_NAME_MAX || !text_is_utf8(value, len) ||
        !is_plain(value))
        return refuse(c, "--name", value,
                      "is no name; it must be 1 to 64 bytes of plain text");
    text_copy(c->config->name, sizeof(c->config->name), value, len);
    return 0;
}

static int set_log_level(struct context *c, const char *value)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };

    for (int i = 0; i < COUNT(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            c->config->log_level = (enum log_level)i;
            return 0;
        }
    }
    return refuse(c, "--log-level", value,
                  "is no level; choose one of error, warn, info, debug");
}

static int set_clock_error(struct context *c, const char *value)
{
    if (clockwork_parse(value, &c->config->clock) == 0)
        return 0;
    return refuse(c, "--clock-error", value,
                  "is no clock error; for example ppm=40,offset_ms=-3000,stop_ms=250 (at "
                  "most 1000 ppm)");
}

static int set_text(struct context *c, const char *option, const char *value,
                    const char **to)
{
    if (*value == '\0')
        return refuse(c, option, "",
                      "must not be empty; say what it is, or leave the option out");
    *to = value;
    return 0;
}

static int set_data_dir(struct context *c, const char *value)
{
    return set_text(c, "--data-dir", value, &c->config->data_dir);
}

static int set_key_file(struct context *c, const char *value)
{
    return set_text(c, "--channel-key-file", value, &c->config->channel_key_file);
}

static int set_audio(struct context *c, const char *value)
{
    return set_text(c, "--audio", value, &c->config->audio);
}

static int set_auto_accept(struct context *c, const char *value)
{
    (void)value;
    c->config->auto_accept = true;
    return 0;
}

static int set_lab(struct context *c, const char *value)
{
    (void)value;
    c->config->is_lab = true;
    return 0;
}

static const struct option {
    const char *name;
    bool has_value;
    int (*set)(struct context *c, const char *value);
} options[] = {
    { "--listen", true, set_listen },
    { "--join", true, set_join },
    { "--channel-key-file", true, set_key_file },
    { "--data-dir", true, set_data_dir },
    { "--audio", true, set_audio },
    { "--name", true, set_name },
    { "--ntp", true, set_ntp },
    { "--auto-accept", false, set_auto_accept },
    { "--log-level", true, set_log_level },
    { "--clock-error", true, set_clock_error },
    { "--lab", false, set_lab },
};

/* The option that arg names, and behind "=" its value, if it stands there. */
static const struct option *find(const char *arg, const char **value)
{
    size_t len = strcspn(arg, "=");

    *value = arg[len] == '=' ? arg + len + 1 : NULL;
    for (int i = 0; i < COUNT(options); i++) {
        if (strlen(options[i].name) == len && strncmp(arg, options[i].name, len) == 0)
            return &options[i];
    }
    return NULL;
}

int options_parse(int argc, char *const argv[], struct daemon_config *config,
                  char *message, size_t size)
{
    struct context c = { .config = config, .message = message, .size = size };

    for (int i = 0; i < argc; i++) {
        const char *value;
        const struct option *o = find(argv[i], &value);
        int err;

        if (o == NULL || (!o->has_value && value != NULL)) {
            snprintf(message, size, "%s: no such option; see party node --help", argv[i]);
            return ERR_USAGE;
        }
        if (o->has_value && value == NULL && i + 1 == argc) {
            snprintf(message, size, "%s: its value is missing; see party node --help",
                     argv[i]);
            return ERR_USAGE;
        }
        if (o->has_value && value == NULL)
            value = argv[++i];
        err = o->set(&c, value);
        if (err != 0)
            return err;
    }
    return 0;
}

const char *options_help(void)
{
    return "usage: party node [option…]       run a node in the foreground\n"
           "       party up [option…]         the same, in the background\n"
           "\n"
           "  --join HOST[:PORT]         a node to get in by; repeat for more\n"
           "  --listen IP:PORT           where to be reached (0.0.0.0:4747; TCP and "
           "UDP)\n"
           "  --channel-key-file FILE    speak only with nodes that have the same key:\n"
           "                             openssl rand -hex 32 > FILE\n"
           "  --audio DEVICE             alsa:NAME, or none (alsa:default)\n"
           "  --name NAME                what others see (user@host)\n"
           "  --ntp HOST[:PORT]          a time server; repeat for more\n"
           "  --auto-accept              accept the first invitation that comes\n"
           "  --data-dir DIR             key, songs and memory ($XDG_DATA_HOME/party)\n"
           "  --log-level LEVEL          error, warn, info or debug, to stderr (info)\n"
           "\n"
           "example: party up --join pi.local --name ana\n";
}
