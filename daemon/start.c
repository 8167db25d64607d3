/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "daemon/answers.h"
#include "daemon/driver.h"
#include "daemon/sockaddr.h"
#include "daemon/xalloc.h"

#define ADDRESSES_MAX    16 /* of one name that are looked at */
#define ADDRESSES_A_NAME 4  /* … and taken, of a time server's: as with the NTP pool */
#define PORT_TRIES       16
#define POOL_MAX         ((size_t)256 * 1024 * 1024)
#define ARENA_MIN        ((size_t)16 * 1024 * 1024)
#define ARENA_MAX        ((size_t)1024 * 1024 * 1024)

struct resolved {
    struct addr list[ADDRESSES_MAX];
    int count;
};

static void add(struct addr *list, int max, int *count, const struct addr *a)
{
    for (int i = 0; i < *count; i++) {
        if (addr_equal(&list[i], a))
            return;
    }
    if (*count < max)
        list[(*count)++] = *a;
}

/* Of the addresses of one name those of one kind: a host with both kinds is still one.
 * The kind that we listen with comes first, since answers come from there. */
static void keep_one_kind(const struct driver *d, struct resolved *r)
{
    int kind = r->list[0].len;
    int kept = 0;

    for (int i = 0; i < r->count; i++) {
        if (r->list[i].len == d->config->listen.len)
            kind = r->list[i].len;
    }
    for (int i = 0; i < r->count; i++) {
        if (r->list[i].len == kind)
            r->list[kept++] = r->list[i];
    }
    r->count = kept;
}

static int resolve(const struct driver *d, const char *text, uint16_t port,
                   struct resolved *r, const char **why)
{
    int n = sockaddr_resolve(text, port, r->list, ADDRESSES_MAX, why);

    if (n < 0)
        return n;
    r->count = n;
    keep_one_kind(d, r);
    return 0;
}

static int resolve_servers(const struct driver *d, struct node_setup *s, char *message,
                           size_t size)
{
    for (int i = 0; i < d->config->ntp_count; i++) {
        struct resolved r;
        const char *why;

        if (resolve(d, d->config->ntp[i], DAEMON_NTP_PORT, &r, &why) != 0) {
            snprintf(message, size,
                     "time server %s: %s; name another with --ntp, or none to use the "
                     "clock of this machine",
                     d->config->ntp[i], why);
            return ERR_CLOCK;
        }
        for (int k = 0; k < r.count && k < ADDRESSES_A_NAME; k++)
            add(s->servers, NODE_SERVERS_MAX, &s->server_count, &r.list[k]);
    }
    return 0;
}

/* An unknown name is no reason not to start: others may know us. */
static void resolve_joins(const struct driver *d, struct node_setup *s)
{
    for (int i = 0; i < d->config->join_count; i++) {
        struct resolved r;
        const char *why;

        if (resolve(d, d->config->joins[i], DAEMON_PORT, &r, &why) == 0)
            add(s->joins, NODE_JOINS_MAX, &s->join_count, &r.list[0]);
        else
            driver_log(d, LOG_WARN, "driver join-unknown name=%s why=\"%s\"",
                       d->config->joins[i], why);
    }
}

static int complain_listen(const struct driver *d, int err, const struct addr *at,
                           const char *kind, char *message, size_t size)
{
    char text[ADDR_TEXT_MAX];

    (void)d;
    addr_format(at, text);
    if (err == ERR_PORT)
        snprintf(message, size,
                 "port %u/%s: taken by another program, perhaps another node; choose one "
                 "with --listen 0.0.0.0:PORT",
                 (unsigned)at->port, kind);
    else
        snprintf(message, size,
                 "cannot listen at %s (%s): %s; give an address of this machine with "
                 "--listen IP:PORT",
                 text, kind, err_text(err));
    return err;
}

/* TCP and UDP on the same port; a free one is searched for when none was named. */
static int listen_at(struct driver *d, const struct event_sink *sink, char *message,
                     size_t size)
{
    struct tcp_params params = tcp_params_default();
    int err = 0;

    d->tcp = tcp_create(&d->loop, &params, sink);
    d->datagrams = datagrams_create(&d->loop, &d->clock, sink);
    for (int i = 0; i < PORT_TRIES; i++) {
        d->listen = d->config->listen;
        err = tcp_listen(d->tcp, &d->listen);
        if (err != 0)
            return complain_listen(d, err, &d->listen, "tcp", message, size);
        err = datagrams_bind(d->datagrams, &d->listen);
        if (err != ERR_PORT || d->config->listen.port != 0)
            break;
        tcp_unlisten(d->tcp);
    }
    if (err != 0)
        return complain_listen(d, err, &d->listen, "udp", message, size);
    return 0;
}

static int open_sound(struct driver *d, const struct event_sink *sink, char *message,
                      size_t size)
{
    const struct sound_config config = { .device = d->config->audio,
                                         .folder = d->config->data_dir,
                                         .clock = &d->clock,
                                         .open_song = disk_open_stream,
                                         .open_ctx = d->disk };

    char why[AUDIO_MESSAGE_MAX * 2] = "";
    int err = sound_create(&d->sound, &d->loop, &config, sink, why, sizeof(why));

    if (err != 0)
        snprintf(message, size, "%s (option --audio)", why);
    else if (why[0] != '\0')
        driver_log(d, LOG_WARN, "driver outputs-lost why=\"%s\"", why);
    return err;
}

static bool answer(void *ctx, uint64_t id, struct bytes request)
{
    static const uint8_t down[] = { 0x81, 0x64, 'd', 'o', 'w', 'n' };
    struct driver *d = ctx;

    if (!bytes_equal(request, bytes_of(down, sizeof(down))))
        return answers_give(d->server, d->sound, id, request);
    driver_go(d, id);
    return true;
}

static int fill_setup(const struct driver *d, struct node_setup *s, char *message,
                      size_t size)
{
    *s = (struct node_setup){ 0 };
    text_copy(s->name, sizeof(s->name), d->config->name, strlen(d->config->name));
    if (d->config->channel_key_file != NULL) {
        int err = datadir_read_channel_key(d->config->channel_key_file, s->channel_psk,
                                           message, size);

        if (err != 0)
            return err;
        s->has_channel = true;
    }
    resolve_joins(d, s);
    return resolve_servers(d, s, message, size);
}

/* The pages of the region are the machine's only once they are touched. */
static int map_pool(struct driver *d)
{
    void *region = mmap(NULL, POOL_MAX, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t key;

    if (region == MAP_FAILED || getrandom(&key, sizeof(key), 0) != sizeof(key))
        return ERR_NOMEM;
    d->region = region;
    pool_init(&d->pool, region, POOL_MAX);
    contacts_init(&d->contacts, &d->pool, key);
    return 0;
}

void driver_unmap(struct driver *d)
{
    if (d->region != NULL)
        munmap(d->region, POOL_MAX);
}

/* How much memory a node takes only its making tells: try more until it is enough. */
static int make_in_arena(struct driver *d, const struct node_setup *setup,
                         const struct node_identity *seeds)
{
    if (map_pool(d) != 0)
        return ERR_NOMEM;
    for (size_t size = ARENA_MIN; size <= ARENA_MAX && d->node == NULL; size *= 2) {
        struct arena arena;
        struct node_memory memory = { &arena, &d->pool, &d->contacts };

        free(d->memory);
        d->memory = xalloc(size);
        arena_init(&arena, d->memory, size);
        d->node = node_create(&memory, &d->params, setup, seeds);
    }
    return d->node != NULL ? 0 : ERR_NOMEM;
}

static int make_node(struct driver *d, const struct node_setup *setup)
{
    struct node_identity seeds;
    int err = ERR_INTERNAL;

    d->params = node_params_default();
    d->params.party.is_auto_accept = d->config->auto_accept;
    d->params.is_lab = d->config->is_lab;
    node_params_spread(&d->params);
    memcpy(seeds.identity_seed, d->datadir.seed, sizeof(seeds.identity_seed));
    if (getrandom(seeds.entropy, sizeof(seeds.entropy), 0) == sizeof(seeds.entropy))
        err = make_in_arena(d, setup, &seeds);
    explicit_bzero(&seeds, sizeof(seeds));
    explicit_bzero(d->datadir.seed, sizeof(d->datadir.seed));
    d->effects = xalloc(sizeof(*d->effects));
    d->effects->log.level = d->config->log_level;
    return err;
}

static int open_all(struct driver *d, char *message, size_t size)
{
    const struct event_sink sink = { .post = driver_post, .ctx = d };
    const struct server_config control = { .sink = sink,
                                           .answer = answer,
                                           .answer_ctx = d };
    int err = listen_at(d, &sink, message, size);

    if (err == 0)
        err = disk_open(&d->disk, &d->loop, d->config->data_dir, &sink, message, size);
    if (err != 0)
        return err;
    if (message[0] != '\0')
        driver_log(d, LOG_WARN, "driver memory-lost why=\"%s\"", message);
    err = open_sound(d, &sink, message, size);
    if (err != 0)
        return err;
    d->server = server_create(&d->loop, &control);
    return server_listen(d->server, d->config->control_path, message, size);
}

int driver_start(struct driver *d, char *message, size_t size)
{
    struct node_setup setup;
    int err = datadir_open(&d->datadir, d->config->data_dir, message, size);

    if (err != 0)
        return err;
    if (d->datadir.is_new)
        driver_log(d, LOG_INFO, "driver key-made dir=%s", d->config->data_dir);
    err = fill_setup(d, &setup, message, size);
    if (err == 0)
        err = open_all(d, message, size);
    if (err == 0) {
        setup.listen = d->listen;
        err = make_node(d, &setup);
        if (err != 0)
            snprintf(message, size,
                     "no memory for the node, or no randomness; end other programs");
    }
    explicit_bzero(&setup, sizeof(setup));
    return err;
}
