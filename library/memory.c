/* SPDX-License-Identifier: MIT */
#include "library/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define SCHEMA_VERSION 1
#define ASIDE_MAX      1000

enum query {
    MEMORY_PUT,
    MEMORY_GET,
    MEMORY_DELETE,
    MEMORY_EACH,
    MEMORY_COUNT,
    SONGS_PUT,
    SONGS_LIST,
    SONGS_DELETE,
    SONGS_COUNT,
    QUERY_COUNT
};

/* The counts leave the row itself out, so that the last one can still be changed. */
static const char *const queries[QUERY_COUNT] = {
    [MEMORY_PUT] = "INSERT INTO memory(key, value) VALUES(?1, ?2)"
                   " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
    [MEMORY_GET] = "SELECT value FROM memory WHERE key = ?1",
    [MEMORY_DELETE] = "DELETE FROM memory WHERE key = ?1",
    [MEMORY_EACH] = "SELECT key, value FROM memory ORDER BY key",
    [MEMORY_COUNT] = "SELECT count(*) FROM memory WHERE key <> ?1",
    [SONGS_PUT] = "INSERT OR REPLACE INTO songs(id, bytes, frames, rate, channels, bits,"
                  " state, bytes_held, last_used_s, title, artist, album, source_path)"
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [SONGS_LIST] = "SELECT id, bytes, frames, rate, channels, bits, state, bytes_held,"
                   " last_used_s, title, artist, album, source_path FROM songs"
                   " ORDER BY last_used_s DESC, id",
    [SONGS_DELETE] = "DELETE FROM songs WHERE id = ?1",
    [SONGS_COUNT] = "SELECT count(*) FROM songs WHERE id <> ?1",
};

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE memory(key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE songs(id BLOB NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL,"
    " frames INTEGER NOT NULL, rate INTEGER NOT NULL, channels INTEGER NOT NULL,"
    " bits INTEGER NOT NULL, state INTEGER NOT NULL, bytes_held INTEGER NOT NULL,"
    " last_used_s INTEGER NOT NULL, title TEXT NOT NULL, artist TEXT NOT NULL,"
    " album TEXT NOT NULL, source_path BLOB NOT NULL);"
    "PRAGMA user_version = 1;"
    "COMMIT;";

static_assert(SCHEMA_VERSION == 1, "schema says which version it is");

struct memory {
    sqlite3 *db;
    sqlite3_stmt *statements[QUERY_COUNT];
};

static int err_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return ERR_DISK;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    default:
        return ERR_FILE;
    }
}

/* --- opening ----------------------------------------------------------------- */

static int run(sqlite3 *db, const char *sql)
{
    return err_of(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* The first value of the first row, as text in value. */
static int ask(sqlite3 *db, const char *sql, char *value, size_t size)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(st, 0);

        (void)snprintf(value, size, "%s", text != NULL ? text : "");
    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_CORRUPT;
    }
    (void)sqlite3_finalize(st);
    return err_of(rc);
}

/* Settings, and proof that the file is in order.  ERR_STATE: it was made by a newer
 * party. */
static int examine(sqlite3 *db)
{
    char value[64];
    int err;

    (void)sqlite3_busy_timeout(db, 2000);
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 20);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    err = run(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;");
    if (err == 0)
        err = ask(db, "PRAGMA journal_mode = WAL", value, sizeof(value));
    if (err == 0 && strcmp(value, "wal") != 0)
        err = ERR_FILE;
    if (err == 0)
        err = run(db, "PRAGMA synchronous = FULL;");
    if (err == 0)
        err = ask(db, "PRAGMA quick_check(1)", value, sizeof(value));
    if (err == 0 && strcmp(value, "ok") != 0)
        err = ERR_CORRUPT;
    if (err == 0)
        err = ask(db, "PRAGMA user_version", value, sizeof(value));
    if (err != 0)
        return err;
    if (strcmp(value, "0") == 0)
        return run(db, schema);
    return strtol(value, NULL, 10) == SCHEMA_VERSION ? 0 : ERR_STATE;
}

/* A table that is missing or of another shape shows here. */
static int prepare(struct memory *m)
{
    for (int i = 0; i < QUERY_COUNT; i++) {
        int rc = sqlite3_prepare_v3(m->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &m->statements[i], NULL);

        if (rc != SQLITE_OK)
            return rc == SQLITE_ERROR ? ERR_CORRUPT : err_of(rc);
    }
    return 0;
}

static void close_db(struct memory *m)
{
    for (int i = 0; i < QUERY_COUNT; i++) {
        (void)sqlite3_finalize(m->statements[i]);
        m->statements[i] = NULL;
    }
    (void)sqlite3_close(m->db);
    m->db = NULL;
}

static int try_open(struct memory *m, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
    int err = err_of(sqlite3_open_v2(path, &m->db, flags, NULL));

    if (err == 0)
        err = examine(m->db);
    if (err == 0)
        err = prepare(m);
    if (err == 0 && sqlite3_db_readonly(m->db, "main") != 0)
        err = ERR_DENIED;
    return err;
}

/* Rename the database and what belongs to it.  False when that cannot be done. */
static bool put_aside(const char *path, char *aside, size_t size)
{
    static const char *const endings[] = { "", "-wal", "-shm" };
    char from[4200];
    char to[4200];
    struct stat st;

    for (int n = 1; n <= ASIDE_MAX; n++) {
        if (snprintf(aside, size, "%s.damaged-%d", path, n) >= (int)size)
            return false;
        if (lstat(aside, &st) != 0)
            break;
        if (n == ASIDE_MAX)
            return false;
    }
    for (int i = 0; i < COUNT(endings); i++) {
        if (snprintf(from, sizeof(from), "%s%s", path, endings[i]) >= (int)sizeof(from) ||
            snprintf(to, sizeof(to), "%s%s", aside, endings[i]) >= (int)sizeof(to))
            return false;
        if (rename(from, to) != 0 && (i == 0 || errno != ENOENT))
            return false;
    }
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

int memory_open(const char *path, char *message, size_t size, struct memory **memory)
{
    struct memory *m = calloc(1, sizeof(*m));
    char aside[4200];
    int err;

    message[0] = '\0';
    if (m == NULL)
        return ERR_NOMEM;
    err = try_open(m, path);
    if (err == ERR_CORRUPT || err == ERR_STATE) {
        const char *why = err == ERR_CORRUPT ? "is damaged" : "is of another version";

        close_db(m);
        if (put_aside(path, aside, sizeof(aside))) {
            (void)snprintf(message, size, "%s %s: kept as %s, begun afresh",
                           base_name(path), why, base_name(aside));
            err = try_open(m, path);
        } else {
            err = ERR_FILE;
        }
    }
    if (err == 0) {
        *memory = m;
        return 0;
    }
    if (err == ERR_DENIED)
        (void)snprintf(message, size, "%s: cannot be written", path);
    else
        (void)snprintf(message, size, "%s: %s", path,
                       m->db != NULL ? sqlite3_errmsg(m->db) : "cannot be put aside");
    close_db(m);
    free(m);
    return err == ERR_DISK || err == ERR_NOMEM ? err : ERR_FILE;
}

void memory_close(struct memory *m)
{
    if (m == NULL)
        return;
    close_db(m);
    free(m);
}

/* --- keys and values --------------------------------------------------------- */

/* Run a statement that gives no rows, and make it ready for the next time. */
static int finish(sqlite3_stmt *st)
{
    int err = err_of(sqlite3_step(st));

    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return err;
}

static void bind_blob(sqlite3_stmt *st, int column, struct bytes b)
{
    /* A NULL pointer would bind NULL, not the empty blob. */
    (void)sqlite3_bind_blob64(st, column, b.len > 0 ? (const void *)b.data : "", b.len,
                              SQLITE_STATIC);
}

/* The number that a count query gives. */
static int count(struct memory *m, enum query q, struct bytes key, int64_t *n)
{
    sqlite3_stmt *st = m->statements[q];
    int rc;

    bind_blob(st, 1, key);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *n = sqlite3_column_int64(st, 0);
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return err_of(rc);
}

static int delete_row(struct memory *m, enum query q, struct bytes key)
{
    int err;

    bind_blob(m->statements[q], 1, key);
    err = finish(m->statements[q]);
    if (err == 0 && sqlite3_changes(m->db) == 0)
        err = ERR_NOT_FOUND;
    return err;
}

int memory_put(struct memory *m, struct bytes key, struct bytes value)
{
    sqlite3_stmt *st = m->statements[MEMORY_PUT];
    int64_t others = 0;
    int err;

    if (key.len == 0 || key.len > MEMORY_KEY_MAX || value.len > MEMORY_VALUE_MAX)
        return ERR_LIMIT;
    if (value.len == 0) {
        err = delete_row(m, MEMORY_DELETE, key);
        return err == ERR_NOT_FOUND ? 0 : err;
    }
    err = count(m, MEMORY_COUNT, key, &others);
    if (err == 0 && others >= MEMORY_ITEMS_MAX)
        err = ERR_LIMIT;
    if (err != 0)
        return err;
    bind_blob(st, 1, key);
    bind_blob(st, 2, value);
    return finish(st);
}

static struct bytes column_bytes(sqlite3_stmt *st, int column)
{
    const void *data = sqlite3_column_blob(st, column);

    return bytes_of(data, (size_t)sqlite3_column_bytes(st, column));
}

int memory_get(struct memory *m, struct bytes key, uint8_t *value, size_t size,
               size_t *len)
{
    sqlite3_stmt *st = m->statements[MEMORY_GET];
    int err;
    int rc;

    bind_blob(st, 1, key);
    rc = sqlite3_step(st);
    err = rc == SQLITE_DONE ? ERR_NOT_FOUND : err_of(rc);
    if (rc == SQLITE_ROW) {
        struct bytes b = column_bytes(st, 0);

        err = b.len > size ? ERR_LIMIT : 0;
        if (err == 0 && b.len > 0)
            memcpy(value, b.data, b.len);
        if (err == 0)
            *len = b.len;
    }
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return err;
}

int memory_delete(struct memory *m, struct bytes key)
{
    return delete_row(m, MEMORY_DELETE, key);
}

int memory_each(struct memory *m,
                bool (*visit)(void *context, struct bytes key, struct bytes value),
                void *context)
{
    sqlite3_stmt *st = m->statements[MEMORY_EACH];
    int rc;

    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (!visit(context, column_bytes(st, 0), column_bytes(st, 1)))
            break;
    }
    (void)sqlite3_reset(st);
    return err_of(rc);
}

/* --- songs ------------------------------------------------------------------- */

static bool is_text(struct bytes b, size_t len_max)
{
    return b.len <= len_max && (b.len == 0 || text_is_utf8((const char *)b.data, b.len));
}

/* A path is bytes, not text, but a NUL it cannot hold. */
static bool is_path(struct bytes b)
{
    return b.len <= MEMORY_PATH_MAX && (b.len == 0 || memchr(b.data, 0, b.len) == NULL);
}

static bool is_storable(const struct song_row *r)
{
    return is_text(r->title, MEMORY_TEXT_MAX) && is_text(r->artist, MEMORY_TEXT_MAX) &&
           is_text(r->album, MEMORY_TEXT_MAX) && is_path(r->source_path) &&
           r->bytes <= INT64_MAX && r->frames <= INT64_MAX && r->bytes_held <= r->bytes;
}

static void bind_text(sqlite3_stmt *st, int column, struct bytes b)
{
    (void)sqlite3_bind_text64(st, column, b.len > 0 ? (const char *)b.data : "", b.len,
                              SQLITE_STATIC, SQLITE_UTF8);
}

int songs_put(struct memory *m, const struct song_row *r)
{
    sqlite3_stmt *st = m->statements[SONGS_PUT];
    struct bytes id = bytes_of(r->id.b, SONG_ID_LEN);
    int64_t others = 0;
    int err;

    if (!is_storable(r))
        return ERR_LIMIT;
    err = count(m, SONGS_COUNT, id, &others);
    if (err == 0 && others >= MEMORY_SONGS_MAX)
        err = ERR_LIMIT;
    if (err != 0)
        return err;
    bind_blob(st, 1, id);
    (void)sqlite3_bind_int64(st, 2, (int64_t)r->bytes);
    (void)sqlite3_bind_int64(st, 3, (int64_t)r->frames);
    (void)sqlite3_bind_int64(st, 4, r->rate);
    (void)sqlite3_bind_int64(st, 5, r->channels);
    (void)sqlite3_bind_int64(st, 6, r->bits);
    (void)sqlite3_bind_int64(st, 7, (int64_t)r->state);
    (void)sqlite3_bind_int64(st, 8, (int64_t)r->bytes_held);
    (void)sqlite3_bind_int64(st, 9, r->last_used_s);
    bind_text(st, 10, r->title);
    bind_text(st, 11, r->artist);
    bind_text(st, 12, r->album);
    bind_blob(st, 13, r->source_path);
    return finish(st);
}

/* A row as it was written; false for one that cannot have come from songs_put. */
static bool read_row(sqlite3_stmt *st, struct song_row *r)
{
    struct bytes id = column_bytes(st, 0);
    int64_t state = sqlite3_column_int64(st, 6);

    if (id.len != SONG_ID_LEN || state < SONG_STATE_PARTIAL || state > SONG_STATE_GONE)
        return false;
    memcpy(r->id.b, id.data, SONG_ID_LEN);
    r->bytes = (uint64_t)sqlite3_column_int64(st, 1);
    r->frames = (uint64_t)sqlite3_column_int64(st, 2);
    r->rate = (uint32_t)sqlite3_column_int64(st, 3);
    r->channels = (uint8_t)sqlite3_column_int64(st, 4);
    r->bits = (uint8_t)sqlite3_column_int64(st, 5);
    r->state = (enum song_state)state;
    r->bytes_held = (uint64_t)sqlite3_column_int64(st, 7);
    r->last_used_s = sqlite3_column_int64(st, 8);
    r->title = column_bytes(st, 9);
    r->artist = column_bytes(st, 10);
    r->album = column_bytes(st, 11);
    r->source_path = column_bytes(st, 12);
    return is_storable(r);
}

int songs_list(struct memory *m, bool (*visit)(void *context, const struct song_row *row),
               void *context)
{
    sqlite3_stmt *st = m->statements[SONGS_LIST];
    struct song_row row;
    int rc;

    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (read_row(st, &row) && !visit(context, &row))
            break;
    }
    (void)sqlite3_reset(st);
    return err_of(rc);
}

int songs_delete(struct memory *m, const struct song_id *id)
{
    return delete_row(m, SONGS_DELETE, bytes_of(id->b, SONG_ID_LEN));
}
