/* The options of `party node`, and addresses.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <netinet/in.h>

#include "daemon/options.h"
#include "daemon/sockaddr.h"

#define ARGS_MAX 24

/* Split a line at blanks and parse it. */
static int parse(const char *line, struct daemon_config *config, char *message)
{
    static char copy[1024];
    char *argv[ARGS_MAX];
    int argc = 0;

    snprintf(copy, sizeof(copy), "%s", line);
    for (char *p = strtok(copy, " "); p != NULL && argc < ARGS_MAX; p = strtok(NULL, " "))
        argv[argc++] = p;
    options_default(config);
    return options_parse(argc, argv, config, message, 300);
}

static void test_defaults(void **state)
{
    struct daemon_config c;
    char message[300];
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_int_equal(parse("", &c, message), 0);
    addr_format(&c.listen, text);
    assert_string_equal(text, "0.0.0.0:4747");
    assert_string_equal(c.audio, "alsa:default");
    assert_non_null(strchr(c.name, '@'));
    assert_int_equal(c.log_level, LOG_INFO);
    assert_null(c.data_dir);
    assert_null(c.channel_key_file);
    assert_false(c.auto_accept);
    assert_int_equal(c.clock.rate_ppb, 0);
}

static void test_all(void **state)
{
    struct daemon_config c;
    char message[300];

    (void)state;
    assert_int_equal(
        parse("--listen 127.0.0.1:0 --join a --join=b:5 --channel-key-file k "
              "--data-dir d --audio none --name ana --ntp x --ntp [::1]:124 "
              "--auto-accept --log-level debug --clock-error ppm=5,offset_ms=-1 --lab",
              &c, message),
        0);
    assert_int_equal(c.listen.port, 0);
    assert_int_equal(c.join_count, 2);
    assert_string_equal(c.joins[1], "b:5");
    assert_string_equal(c.channel_key_file, "k");
    assert_string_equal(c.data_dir, "d");
    assert_string_equal(c.audio, "none");
    assert_string_equal(c.name, "ana");
    assert_int_equal(c.ntp_count, 2);
    assert_true(c.auto_accept);
    assert_true(c.is_lab);
    assert_int_equal(c.log_level, LOG_DEBUG);
    assert_int_equal(c.clock.rate_ppb, 5000);
    assert_int_equal(c.clock.offset_ns, -1000000);
}

static void test_refused(void **state)
{
    static const struct {
        const char *line;
        const char *says;
    } rows[] = {
        { "--lisen 1.2.3.4:5", "--lisen: no such option" },
        { "host", "host: no such option" },
        { "--listen", "--listen: its value is missing" },
        { "--listen nowhere", "0.0.0.0:4747" },
        { "--listen 70000", "is no address" },
        { "--listen 1.2.3.4:99999", "is no address" },
        { "--join a:b", "HOST:PORT" },
        { "--join a:0", "HOST:PORT" },
        { "--join [::1", "HOST:PORT" },
        { "--ntp :123", "HOST:PORT" },
        { "--join 1 --join 2 --join 3 --join 4 --join 5 --join 6 --join 7 --join 8 "
          "--join 9",
          "one too many" },
        { "--name=", "1 to 64 bytes" },
        { "--name \xff", "plain text" },
        { "--name a\x1b[2J", "plain text" },
        { "--audio=", "must not be empty" },
        { "--log-level loud", "error, warn, info, debug" },
        { "--clock-error fast", "ppm=40" },
        { "--auto-accept=yes", "no such option" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct daemon_config c;
        char message[300] = "";

        print_message("%s\n", rows[i].line);
        assert_int_equal(parse(rows[i].line, &c, message), ERR_USAGE);
        assert_non_null(strstr(message, rows[i].says));
        assert_null(strchr(message, '\n'));
    }
}

static void test_listen(void **state)
{
    static const struct {
        const char *value, *want;
    } rows[] = { { "127.0.0.1", "127.0.0.1:4747" },
                 { "4800", "0.0.0.0:4800" },
                 { ":4800", "0.0.0.0:4800" },
                 { "0", "0.0.0.0:0" },
                 { "[::]:9", "[::]:9" } };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct daemon_config c;
        char message[300];
        char line[64];
        char text[ADDR_TEXT_MAX];

        snprintf(line, sizeof(line), "--listen %s", rows[i].value);
        assert_int_equal(parse(line, &c, message), 0);
        addr_format(&c.listen, text);
        assert_string_equal(text, rows[i].want);
    }
}

static void test_split(void **state)
{
    static const struct {
        const char *text;
        int err;
        const char *host;
        int port;
    } rows[] = {
        { "pi.local", 0, "pi.local", 1 },
        { "pi.local:80", 0, "pi.local", 80 },
        { "[fe80::1]:80", 0, "fe80::1", 80 },
        { "[::1]", 0, "::1", 1 },
        { "::1", 0, "::1", 1 },
        { "1.2.3.4:65535", 0, "1.2.3.4", 65535 },
        { "a:65536", ERR_USAGE, "", 0 },
        { "a:", ERR_USAGE, "", 0 },
        { "a:-1", ERR_USAGE, "", 0 },
        { "", ERR_USAGE, "", 0 },
        { "[]", ERR_USAGE, "", 0 },
        { "[::1]x", ERR_USAGE, "", 0 },
        { "[::1]:", ERR_USAGE, "", 0 },
        { "a-name-too-long", ERR_USAGE, "", 0 },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        char host[14] = "";
        uint16_t port = 0;

        print_message("%s\n", rows[i].text);
        assert_int_equal(sockaddr_split(rows[i].text, 1, host, sizeof(host), &port),
                         rows[i].err);
        assert_string_equal(host, rows[i].host);
        assert_int_equal(port, rows[i].port);
    }
}

static void test_addresses(void **state)
{
    struct sockaddr_storage ss;
    struct addr v4;
    struct addr v6;
    struct addr back;

    (void)state;
    assert_int_equal(addr_parse("192.0.2.1:4747", 0, &v4), 0);
    assert_int_equal(addr_parse("[2001:db8::1]:4748", 0, &v6), 0);
    assert_int_equal(sockaddr_of(&v4, AF_INET, &ss), sizeof(struct sockaddr_in));
    assert_true(sockaddr_to_addr((struct sockaddr *)&ss, &back));
    assert_true(addr_equal(&back, &v4));
    /* On an IPv6 socket it travels mapped, and comes back plain. */
    assert_int_equal(sockaddr_of(&v4, AF_INET6, &ss), sizeof(struct sockaddr_in6));
    assert_int_equal(ss.ss_family, AF_INET6);
    assert_true(sockaddr_to_addr((struct sockaddr *)&ss, &back));
    assert_true(addr_equal(&back, &v4));
    assert_int_equal(sockaddr_of(&v6, AF_INET6, &ss), sizeof(struct sockaddr_in6));
    assert_true(sockaddr_to_addr((struct sockaddr *)&ss, &back));
    assert_true(addr_equal(&back, &v6));
    assert_int_equal(sockaddr_of(&v6, AF_INET, &ss), 0);
    ss.ss_family = AF_UNIX;
    assert_false(sockaddr_to_addr((struct sockaddr *)&ss, &back));
}

/* Numbers need no name server. */
static void test_resolve(void **state)
{
    struct addr list[4];
    const char *why;

    (void)state;
    assert_int_equal(sockaddr_resolve("192.0.2.7:99", 1, list, 4, &why), 1);
    assert_int_equal(list[0].port, 99);
    assert_int_equal(list[0].ip[3], 7);
    assert_int_equal(sockaddr_resolve("::1", 5, list, 4, &why), 1);
    assert_int_equal(list[0].port, 5);
    assert_int_equal(sockaddr_resolve("a:b", 5, list, 4, &why), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_all),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_listen),
        cmocka_unit_test(test_split),    cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_resolve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
