/* A switch between network namespaces with a bad day: every frame is delayed, some are
 * lost, and a port may be slow.  For kernels without netem; needs the right to make
 * namespaces.
 *
 *   netswitch [--delay-ms D] [--jitter-ms J] [--loss PERCENT] [--rate-mbit R] [--seed S]
 *             NAMESPACE:DEVICE:ADDRESS/BITS[+cone|+wall] …
 *
 * Behind +cone a machine is dialled in vain, unless it has just dialled the same port of
 * that machine from the same port of its own, as with a NAT that keeps ports; behind
 * +wall always.
 *
 * In each namespace it makes a TAP device with that address, and tells it the hardware
 * addresses of all others: the kernel's table of what ARP learnt is one for all
 * namespaces, and overflows with fifty of them.  A frame leaves by the port where its
 * destination was last seen, or by all others; D +- J milliseconds later (drawn evenly,
 * for each frame), never before one that came earlier by the same way.  Prints "ready",
 * runs until it is told to stop, and then tells what it did.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORTS_MAX 64
#define FRAME_MAX 2048
#define QUEUE_MAX 16384
#define MACS_MAX  256
#define SYNS_MAX  1024
#define NS_PER_MS INT64_C(1000000)

enum guard { GUARD_NONE, GUARD_CONE, GUARD_WALL };

/* The first packet of a connection, as its ends: address and port of each. */
struct syn {
    uint8_t from[6];
    uint8_t to[6];
};

struct port {
    int fd;
    int ns; /* its namespace */
    char device[IFNAMSIZ];
    struct in_addr addr;
    enum guard guard;
    int64_t free_ns;            /* when the last frame has left it, at its rate */
    int64_t last_ns[PORTS_MAX]; /* of the last frame that came from that port */
};

struct frame {
    int64_t at_ns;
    uint64_t number; /* frames of one instant leave in the order that they came */
    int port;
    int len;
    uint8_t data[FRAME_MAX];
};

static struct {
    int64_t delay_ns, jitter_ns;
    double loss;
    double rate_mbit;
    uint64_t rng;
    int port_count;
    struct port ports[PORTS_MAX];
    int mac_count;
    struct {
        uint8_t mac[6];
        int port;
    } macs[MACS_MAX];
    int syn_next;
    struct syn syns[SYNS_MAX]; /* that left guarded ports, a ring */
    int queued;
    struct frame *heap[QUEUE_MAX];
    uint64_t number;
    long long passed, lost, overflowed, guarded;
} sw = { .rng = 1 };

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
    (void)number;
    is_over = 1;
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Uniform in 0..1 (SplitMix64). */
static double chance(void)
{
    uint64_t z = sw.rng += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static bool is_before(const struct frame *a, const struct frame *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

static void heap_push(struct frame *f)
{
    int i = sw.queued++;

    for (; i > 0 && is_before(f, sw.heap[(i - 1) / 2]); i = (i - 1) / 2)
        sw.heap[i] = sw.heap[(i - 1) / 2];
    sw.heap[i] = f;
}

static struct frame *heap_pop(void)
{
    struct frame *top = sw.heap[0];
    struct frame *last = sw.heap[--sw.queued];
    int i = 0;

    for (;;) {
        int child = 2 * i + 1;

        if (child + 1 < sw.queued && is_before(sw.heap[child + 1], sw.heap[child]))
            child++;
        if (child >= sw.queued || !is_before(sw.heap[child], last))
            break;
        sw.heap[i] = sw.heap[child];
        i = child;
    }
    sw.heap[i] = last;
    return top;
}

static void enqueue(int from, int to, const uint8_t *data, int len)
{
    struct port *p = &sw.ports[to];
    int64_t at = now_ns();
    struct frame *f;

    if (chance() * 100 < sw.loss) {
        sw.lost++;
        return;
    }
    if (sw.queued == QUEUE_MAX) {
        sw.overflowed++;
        return;
    }
    if (sw.rate_mbit > 0) {
        if (p->free_ns < at)
            p->free_ns = at;
        p->free_ns += (int64_t)(len * 8 / sw.rate_mbit * 1000);
        at = p->free_ns;
    }
    at += sw.delay_ns + (int64_t)((2 * chance() - 1) * (double)sw.jitter_ns);
    if (at < p->last_ns[from])
        at = p->last_ns[from];
    p->last_ns[from] = at;
    f = malloc(sizeof(*f));
    if (f == NULL)
        abort();
    f->at_ns = at;
    f->number = sw.number++;
    f->port = to;
    f->len = len;
    memcpy(f->data, data, (size_t)len);
    heap_push(f);
}

static void learn(const uint8_t *mac, int port)
{
    for (int i = 0; i < sw.mac_count; i++) {
        if (memcmp(sw.macs[i].mac, mac, 6) == 0) {
            sw.macs[i].port = port;
            return;
        }
    }
    if (sw.mac_count < MACS_MAX) {
        memcpy(sw.macs[sw.mac_count].mac, mac, 6);
        sw.macs[sw.mac_count++].port = port;
    }
}

static int port_of(const uint8_t *mac)
{
    for (int i = 0; i < sw.mac_count; i++) {
        if (memcmp(sw.macs[i].mac, mac, 6) == 0)
            return sw.macs[i].port;
    }
    return -1;
}

/* True for a TCP segment that dials: SYN without ACK. */
static bool read_syn(const uint8_t *frame, int len, struct syn *s)
{
    const uint8_t *ip = frame + 14;
    const uint8_t *tcp = ip + 4 * (ip[0] & 15);

    if (len < 14 + 40 || frame[12] != 8 || frame[13] != 0 || ip[9] != 6 ||
        tcp + 20 > frame + len || (tcp[13] & 0x12) != 2)
        return false;
    memcpy(s->from, ip + 12, 4);
    memcpy(s->from + 4, tcp, 2);
    memcpy(s->to, ip + 16, 4);
    memcpy(s->to + 4, tcp + 2, 2);
    return true;
}

static void note_syn(int port, const uint8_t *frame, int len)
{
    struct syn s;

    if (sw.ports[port].guard == GUARD_CONE && read_syn(frame, len, &s))
        sw.syns[sw.syn_next++ % SYNS_MAX] = s;
}

static bool is_guarded(const struct frame *f)
{
    enum guard guard = sw.ports[f->port].guard;
    struct syn s;

    if (guard == GUARD_NONE || !read_syn(f->data, f->len, &s))
        return false;
    for (int i = 0; guard == GUARD_CONE && i < SYNS_MAX; i++) {
        if (memcmp(sw.syns[i].from, s.to, sizeof(s.to)) == 0 &&
            memcmp(sw.syns[i].to, s.from, sizeof(s.from)) == 0)
            return false;
    }
    return true;
}

static void take_frame(int from)
{
    uint8_t data[FRAME_MAX];
    ssize_t len = read(sw.ports[from].fd, data, sizeof(data));
    int to;

    if (len < 14)
        return;
    learn(data + 6, from);
    note_syn(from, data, (int)len);
    to = port_of(data);
    for (int i = 0; i < sw.port_count; i++) {
        if (i != from && (to < 0 || to == i))
            enqueue(from, i, data, (int)len);
    }
}

static void release(void)
{
    while (sw.queued > 0 && sw.heap[0]->at_ns <= now_ns()) {
        struct frame *f = heap_pop();

        if (is_guarded(f))
            sw.guarded++;
        else if (write(sw.ports[f->port].fd, f->data, (size_t)f->len) == f->len)
            sw.passed++;
        free(f);
    }
}

static void die(const char *what, const char *which)
{
    fprintf(stderr, "netswitch: %s %s: %s\n", what, which, strerror(errno));
    exit(1);
}

/* 02:00 and the IP address. */
static void hardware_of(const struct in_addr *addr, struct sockaddr *hardware)
{
    hardware->sa_family = ARPHRD_ETHER;
    hardware->sa_data[0] = 2;
    hardware->sa_data[1] = 0;
    memcpy(hardware->sa_data + 2, &addr->s_addr, 4);
}

static void set_address(struct port *p, const char *address, int bits)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = { .sin_family = AF_INET };
    struct ifreq r = { 0 };

    memcpy(r.ifr_name, p->device, sizeof(r.ifr_name));
    if (fd < 0 || inet_pton(AF_INET, address, &p->addr) != 1)
        die("address", address);
    hardware_of(&p->addr, &r.ifr_hwaddr);
    if (ioctl(fd, SIOCSIFHWADDR, &r) != 0)
        die("set hardware address of", p->device);
    a.sin_addr = p->addr;
    memcpy(&r.ifr_addr, &a, sizeof(a));
    if (ioctl(fd, SIOCSIFADDR, &r) != 0)
        die("set address of", p->device);
    a.sin_addr.s_addr = htonl(bits == 0 ? 0 : UINT32_MAX << (32 - bits));
    memcpy(&r.ifr_netmask, &a, sizeof(a));
    if (ioctl(fd, SIOCSIFNETMASK, &r) != 0)
        die("set netmask of", p->device);
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &r) != 0)
        die("bring up", p->device);
    close(fd);
}

static int enter(int ns)
{
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (home < 0 || setns(ns, CLONE_NEWNET) != 0)
        die("enter", "a namespace");
    return home;
}

static void leave(int home)
{
    if (setns(home, CLONE_NEWNET) != 0)
        die("enter", "the namespace that we came from");
    close(home);
}

/* Tell a port who all the others are. */
static void introduce(const struct port *p)
{
    int home = enter(p->ns);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (int i = 0; i < sw.port_count; i++) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = sw.ports[i].addr };
        struct arpreq r = { .arp_flags = ATF_PERM | ATF_COM };

        if (&sw.ports[i] == p)
            continue;
        memcpy(&r.arp_pa, &a, sizeof(a));
        hardware_of(&a.sin_addr, &r.arp_ha);
        memcpy(r.arp_dev, p->device, sizeof(r.arp_dev));
        if (ioctl(fd, SIOCSARP, &r) != 0)
            die("introduce the others to", p->device);
    }
    close(fd);
    leave(home);
}

/* One port: NAMESPACE:DEVICE:ADDRESS/BITS, and what guards it. */
static void open_port(char *spec)
{
    char *name = strtok(spec, ":");
    char *device = strtok(NULL, ":");
    char *address = strtok(NULL, "/");
    char *bits = strtok(NULL, "");
    struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    struct port *p = &sw.ports[sw.port_count];
    char path[256];
    int home;

    if (bits == NULL || sw.port_count == PORTS_MAX) {
        fprintf(stderr, "netswitch: a port is NAMESPACE:DEVICE:ADDRESS/BITS\n");
        exit(2);
    }
    snprintf(path, sizeof(path), "/var/run/netns/%s", name);
    snprintf(p->device, sizeof(p->device), "%s", device);
    p->ns = open(path, O_RDONLY | O_CLOEXEC);
    if (p->ns < 0)
        die("namespace", name);
    home = enter(p->ns);
    p->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    memcpy(r.ifr_name, p->device, sizeof(r.ifr_name));
    if (p->fd < 0 || ioctl(p->fd, TUNSETIFF, &r) != 0)
        die("TAP device", device);
    if (strchr(bits, '+') != NULL)
        p->guard = strcmp(strchr(bits, '+'), "+cone") == 0 ? GUARD_CONE : GUARD_WALL;
    set_address(p, address, atoi(bits));
    leave(home);
    sw.port_count++;
}

static bool take_option(const char *name, const char *value)
{
    double v = value == NULL ? 0 : atof(value);

    if (strcmp(name, "--delay-ms") == 0)
        sw.delay_ns = (int64_t)(v * NS_PER_MS);
    else if (strcmp(name, "--jitter-ms") == 0)
        sw.jitter_ns = (int64_t)(v * NS_PER_MS);
    else if (strcmp(name, "--loss") == 0)
        sw.loss = v;
    else if (strcmp(name, "--rate-mbit") == 0)
        sw.rate_mbit = v;
    else if (strcmp(name, "--seed") == 0)
        sw.rng = (uint64_t)v;
    else
        return false;
    return true;
}

static void run(void)
{
    struct pollfd fds[PORTS_MAX];

    for (int i = 0; i < sw.port_count; i++)
        fds[i] = (struct pollfd){ .fd = sw.ports[i].fd, .events = POLLIN };
    while (!is_over) {
        int64_t wait = sw.queued > 0 ? sw.heap[0]->at_ns - now_ns() : 1000 * NS_PER_MS;
        struct timespec t = { wait / 1000000000, wait % 1000000000 };

        if (wait < 0)
            t = (struct timespec){ 0 };
        if (ppoll(fds, (nfds_t)sw.port_count, &t, NULL) > 0) {
            for (int i = 0; i < sw.port_count; i++) {
                if (fds[i].revents & POLLIN)
                    take_frame(i);
            }
        }
        release();
    }
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_signal };

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && take_option(argv[i], argv[i + 1]))
            i++;
        else
            open_port(argv[i]);
    }
    if (sw.port_count < 2) {
        fprintf(stderr, "netswitch: fewer than two ports\n");
        return 2;
    }
    for (int i = 0; i < sw.port_count; i++)
        introduce(&sw.ports[i]);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    puts("ready");
    fflush(stdout);
    run();
    printf("passed %lld, lost %lld, overflowed %lld, guarded %lld\n", sw.passed, sw.lost,
           sw.overflowed, sw.guarded);
    return 0;
}
