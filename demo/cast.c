/* SPDX-License-Identifier: MIT */
#include "demo/cast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "wire/map.h"

#define START_LIMIT_NS (20 * NS_PER_S)
#define CALL_MS        10000

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

bool cast_is_interrupted(void)
{
    return interrupted != 0;
}

int64_t cast_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void cast_sleep(int64_t ns)
{
    struct timespec t = { ns / NS_PER_S, ns % NS_PER_S };

    (void)nanosleep(&t, NULL); /* a signal may cut it short: the caller looks again */
}

/* True when every node could listen on this port of its loopback address. */
static bool port_is_free(uint16_t port, int count)
{
    bool is_free = true;

    for (int i = 0; i < count && is_free; i++) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
        int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)i);
        is_free = bind(tcp, (struct sockaddr *)&a, sizeof(a)) == 0 &&
                  bind(udp, (struct sockaddr *)&a, sizeof(a)) == 0;
        close(tcp);
        close(udp);
    }
    return is_free;
}

static int pick_port(struct cast *c)
{
    for (int i = 0; i < 200; i++) {
        uint16_t port = (uint16_t)(20000 + (cast_now() / 1000 + i * 37) % 20000);

        if (port_is_free(port, c->count)) {
            c->port = port;
            return 0;
        }
    }
    snprintf(c->error, sizeof(c->error), "no free port on 127.0.0.1 to 127.0.0.%d",
             c->count);
    return ERR_PORT;
}

/* The configuration of alsa-lib for one node: the card for tests, and nothing else. */
static int write_asoundrc(struct cast *c, struct actor *a, char *path, size_t size)
{
    FILE *f;

    snprintf(path, size, "%s/asoundrc", a->home);
    f = fopen(path, "we");
    if (f == NULL) {
        snprintf(c->error, sizeof(c->error), "%.200s: %s", path, strerror(errno));
        return ERR_FILE;
    }
    fprintf(f,
            "pcm_type.partytest { lib \"%s/libasound_module_pcm_partytest.so\" }\n"
            "pcm.party { type partytest ppm \"%.3f\" capture \"%s\" }\n",
            c->alsa_plugin, a->ppm, a->capture);
    fclose(f);
    return 0;
}

static void exec_node(struct cast *c, int i)
{
    struct actor *a = &c->actors[i];
    char listen[32];
    char join[32];
    char audio[CAST_PATH_MAX + 128];
    char skew[64];
    char log[CAST_PATH_MAX + 8];
    char rc[CAST_PATH_MAX + 16];
    int fd;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(listen, sizeof(listen), "127.0.0.%d:%u", i + 1, c->port);
    snprintf(join, sizeof(join), "127.0.0.1:%u", c->port);
    snprintf(audio, sizeof(audio), "virtual:ppm=%.3f,seed=%d,capture=%s", a->ppm, i + 1,
             a->capture);
    /* Every node's own clock has another epoch and another crystal, too. */
    snprintf(skew, sizeof(skew), "ppm=%.3f,offset_ms=%d", (i % 2 ? 1 : -1) * 13.0 * i,
             i * 977);
    if (c->alsa_plugin != NULL) {
        if (write_asoundrc(c, a, rc, sizeof(rc)) != 0)
            _exit(1);
        setenv("ALSA_CONFIG_PATH", rc, 1);
        snprintf(audio, sizeof(audio), "alsa:party");
    }
    snprintf(log, sizeof(log), "%s/log", a->home);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(1);
    execl("/proc/self/exe", "party", "node", "--listen", listen, "--data-dir", a->home,
          "--audio", audio, "--name", a->name, "--clock-error", skew,
          i == 0 ? NULL : "--join", join, (char *)NULL);
    _exit(127);
}

static int spawn(struct cast *c, int i)
{
    static const char *const names[] = { "ana", "bo",  "cy",  "dee", "eli", "flo",
                                         "gus", "hal", "ida", "jo",  "kit", "lou",
                                         "max", "nia", "oz",  "pia" };
    struct actor *a = &c->actors[i];

    snprintf(a->name, sizeof(a->name), "%s", names[i]);
    snprintf(a->home, sizeof(a->home), "%.400s/%s", c->dir, a->name);
    snprintf(a->capture, sizeof(a->capture), "%s/capture", a->home);
    a->ppm = c->count < 2 ? 0 : -60.0 + 120.0 * i / (c->count - 1);
    if (mkdir(a->home, 0700) != 0 && errno != EEXIST) {
        snprintf(c->error, sizeof(c->error), "%.300s: %s", a->home, strerror(errno));
        return ERR_FILE;
    }
    a->pid = fork();
    if (a->pid == 0)
        exec_node(c, i);
    if (a->pid < 0) {
        a->pid = 0;
        snprintf(c->error, sizeof(c->error), "cannot start a process: %s",
                 strerror(errno));
        return ERR_INTERNAL;
    }
    return 0;
}

/* The last line that a node wrote, for the error. */
static void last_words(struct cast *c, const struct actor *a)
{
    char path[CAST_PATH_MAX + 8];
    char line[256] = "";
    char last[256] = "";
    FILE *f;

    snprintf(path, sizeof(path), "%s/log", a->home);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        snprintf(last, sizeof(last), "%s", line);
    if (f != NULL)
        fclose(f);
    last[strcspn(last, "\n")] = '\0';
    snprintf(c->error, sizeof(c->error), "node %s ended: %s", a->name,
             last[0] == '\0' ? "it said nothing" : last);
}

static bool has_died(struct cast *c, struct actor *a)
{
    int status;

    if (a->pid == 0 || waitpid(a->pid, &status, WNOHANG) != a->pid)
        return false;
    a->pid = 0;
    last_words(c, a);
    return true;
}

static int connect_to(struct cast *c, struct actor *a, int64_t limit_ns)
{
    char path[CAST_PATH_MAX + 16];
    int err;

    snprintf(path, sizeof(path), "%s/control.sock", a->home);
    for (;;) {
        err = control_open(path, &a->control);
        if (err == 0)
            return 0;
        if (has_died(c, a))
            return ERR_NO_NODE;
        if (cast_is_interrupted() || cast_now() > limit_ns)
            break;
        cast_sleep(20 * NS_PER_MS);
    }
    snprintf(c->error, sizeof(c->error), "node %s does not answer: %s", a->name,
             err_text(err));
    return err;
}

int cast_start(struct cast *c, const char *dir, int count, const char *plugin)
{
    struct sigaction action = { .sa_handler = on_signal };
    int64_t limit_ns;
    int err;

    *c = (struct cast){ .count = count, .alsa_plugin = plugin };
    snprintf(c->dir, sizeof(c->dir), "%s", dir);
    c->actors = calloc((size_t)count, sizeof(*c->actors));
    if (c->actors == NULL)
        return ERR_NOMEM;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    err = pick_port(c);
    for (int i = 0; i < count && err == 0; i++)
        err = spawn(c, i);
    limit_ns = cast_now() + START_LIMIT_NS;
    for (int i = 0; i < count && err == 0; i++)
        err = connect_to(c, &c->actors[i], limit_ns);
    return err;
}

static void explain(struct cast *c, int i, int err, struct bytes body)
{
    struct bytes why = map_get_text(body, "error", err_text(err));

    if (!has_died(c, &c->actors[i]))
        snprintf(c->error, sizeof(c->error), "node %s: %.*s", c->actors[i].name,
                 (int)why.len, (const char *)why.data);
}

int cast_call(struct cast *c, int i, const char *verb, int timeout_ms, struct bytes *body)
{
    int err;

    if (verb != NULL)
        control_verb(c->actors[i].control, verb);
    err = control_call(c->actors[i].control, timeout_ms, body);
    if (err != 0)
        explain(c, i, err, *body);
    return err;
}

int cast_state(struct cast *c, int i)
{
    struct actor *a = &c->actors[i];
    struct bytes body;
    int err = cast_call(c, i, "status", CALL_MS, &body);

    if (err != 0)
        return err;
    if (body.len > sizeof(a->state_bytes))
        return ERR_LIMIT;
    memcpy(a->state_bytes, body.data, body.len);
    a->state = bytes_of(a->state_bytes, body.len);
    return 0;
}

static void reap(struct actor *a, int64_t limit_ns)
{
    while (a->pid != 0) {
        if (waitpid(a->pid, NULL, WNOHANG) != 0)
            a->pid = 0;
        else if (cast_now() > limit_ns)
            kill(a->pid, SIGKILL);
        else
            cast_sleep(10 * NS_PER_MS);
    }
}

void cast_stop(struct cast *c)
{
    int64_t limit_ns = cast_now() + 5 * NS_PER_S;

    for (int i = 0; c->actors != NULL && i < c->count; i++) {
        if (c->actors[i].pid != 0)
            kill(c->actors[i].pid, SIGTERM);
    }
    for (int i = 0; c->actors != NULL && i < c->count; i++) {
        reap(&c->actors[i], limit_ns);
        control_close(c->actors[i].control);
    }
    free(c->actors);
    c->actors = NULL;
}

static int remove_one(const char *path, const struct stat *s, int flag, struct FTW *f)
{
    (void)s;
    (void)flag;
    (void)f;
    return remove(path);
}

void cast_remove(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
