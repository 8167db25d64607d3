/* Test vectors of Noise: a few here, and a reader for the JSON files in which cacophony
 * and snow publish theirs.  Everything is hex text until it is used.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_SECURE_NOISE_VECTORS_H
#define TESTS_SECURE_NOISE_VECTORS_H

#include "tests/check.h"

#define VECTOR_MESSAGES_MAX 8
#define VECTOR_PSKS_MAX     4

/* The keys are those of the JSON files; NULL where the file has none. */
struct vector {
    const char *name;
    const char *init_prologue, *resp_prologue;
    const char *init_static, *resp_static;
    const char *init_ephemeral, *resp_ephemeral;
    const char *init_remote_static, *resp_remote_static;
    const char *handshake_hash;
    const char *init_psks[VECTOR_PSKS_MAX], *resp_psks[VECTOR_PSKS_MAX];
    struct {
        const char *payload, *ciphertext;
    } messages[VECTOR_MESSAGES_MAX];
};

/* From the cacophony project. */
static const struct vector own_vectors[] = {
    { .name = "Noise_XX_25519_ChaChaPoly_BLAKE2b",
      .init_prologue = "4a6f686e2047616c74",
      .resp_prologue = "4a6f686e2047616c74",
      .init_static = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
      .resp_static = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
      .init_ephemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
      .resp_ephemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
      .handshake_hash = "8cf47d7b3cb5804c0109d48e8bcdbee2cbb65687d8ea2c92994ca361fb86151a"
        "d93627b98936cbb32de56e8abb21def3925011ac3e35db9cbeea73ab9a4392c2",
      .messages = {
          { "4c756477696720766f6e204d69736573", "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
            "4c756477696720766f6e204d69736573" },
          { "4d757272617920526f746862617264", "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
            "0505b6745ce64a5f33f0e8e3b83f11ce8802bca507f4f2d8b564dbe277e19661"
            "16e132faa2dfd70b8b077b9f94b913df5056ae1319469b824a98d54bbaa82c32"
            "5595587064f978c4b6d104f7596e6f" },
          { "462e20412e20486179656b", "99579e1c1ee15e422a57ddd6b16d37087b17558e8369c18991b4b2ca3a824abf"
            "904cdcf5458b5431a75af034ca9e9b982de039eaaf156775e2d580cd4e5ebae8"
            "9c3f8cb2594b556d8a8169" },
          { "4361726c204d656e676572", "fc56eea290b3f3a21aac0c70cd5787b5ee99be37d2f4d751329b55" },
          { "4a65616e2d426170746973746520536179", "bb31c9da10d5639a4cdb88a12f5c61de41bbc7df09bf75d94f8184fe4157f5c6"
            "8f" },
          { "457567656e2042f6686d20766f6e2042617765726b", "f6199cadb152fb27f82be0a0891ec76a33598ae92a46cab2fb5a8ed5bf48b7f2"
            "67f8370af7" },
      } },
    { .name = "Noise_XXpsk3_25519_ChaChaPoly_BLAKE2b",
      .init_prologue = "4a6f686e2047616c74",
      .resp_prologue = "4a6f686e2047616c74",
      .init_static = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
      .resp_static = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
      .init_ephemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
      .resp_ephemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
      .handshake_hash = "46b5997dfa51492ae9be5b611748455e83aebdbc2ea3c47d264ec6dd408cc076"
        "e962ff056890c60398fe3e7a430bbe057f34383a84df9ff99391266dcfd638b0",
      .init_psks = { "54686973206973206d7920417573747269616e20706572737065637469766521" },
      .resp_psks = { "54686973206973206d7920417573747269616e20706572737065637469766521" },
      .messages = {
          { "4c756477696720766f6e204d69736573", "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
            "0aa831d1e3bbd16bd7ffda87e9f7b6eeca2510006499a573ac27af3392ed1b69" },
          { "4d757272617920526f746862617264", "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
            "81a78489d56c9e2ac962826f25684980b25244dbfd505b7d903a94d4f4fd8400"
            "4a1c7fbe94d686bc4c1f67259364f6f2a41cb40bf5198b9b3975be2cdd49d3e0"
            "65a554e12c477d82029fabc6555bc1" },
          { "462e20412e20486179656b", "291dfeff6eff386e29adb0bdbd5a1ae9e09de4449c8695d109adcb63e80e4895"
            "55792a3e9150eff75d6d45571f824ed231173cb66e31e7da914241f86d0cbb67"
            "8335ffe768a7445d2f5bc1" },
          { "4361726c204d656e676572", "6579dd60eb5e6a8b29dd60004289f5d3c2f69fcdbf683a869f59a8" },
          { "4a65616e2d426170746973746520536179", "24715fd39c3c7606e81b26e69e47b54d043d9d87c512f9417bae51ab48ebb177"
            "22" },
          { "457567656e2042f6686d20766f6e2042617765726b", "e49194a013d873712318643acbf0e3851086326bb168c500a766439ff543a7a1"
            "e2deb3215c" },
      } },
    { .name = "Noise_IK_25519_ChaChaPoly_BLAKE2b",
      .init_prologue = "4a6f686e2047616c74",
      .resp_prologue = "4a6f686e2047616c74",
      .init_static = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
      .resp_static = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
      .init_ephemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
      .resp_ephemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
      .init_remote_static = "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62",
      .handshake_hash = "1c8fa891cb414fedba6daa7c6f4ae0a6d98e5f9768cc9cecd27e805614943ee9"
        "c8a1b27fbfb76dc197255c8aa69f6b4285c423840b8bedf45e652ca64f797d81",
      .messages = {
          { "4c756477696720766f6e204d69736573", "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
            "ba83a447b38c83e327ad936929812f624884847b7831e95e197b2f797088efdd"
            "2f88f1db7e1fb0e99c64419097af91cee64e470f4b6fcd9298ce0b56fe20f86e"
            "13bf70439c538e3602a7127af71a29cc" },
          { "4d757272617920526f746862617264", "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
            "9f069b267a06b3de3ecb1043bcb098e9af91d9c64748d998c7b47890871571" },
          { "462e20412e20486179656b", "cd54383060e7a28434cca27fb1cc524cfbabeb18181589df219d07" },
          { "4361726c204d656e676572", "a856d3bf0246bfc476c655009cd1ed677b8dcc5b349ae8ef2a05f2" },
          { "4a65616e2d426170746973746520536179", "49063084b2c51f098337cb8a13739ac848f907e67cfb2cc8a8b60586467aa02f"
            "c7" },
          { "457567656e2042f6686d20766f6e2042617765726b", "8b9709d23b47e4639df7678d7a21741eba4ef1e9c60383001c7435549c20f9d5"
            "6f30e935d3" },
      } },
    { .name = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2b",
      .init_prologue = "4a6f686e2047616c74",
      .resp_prologue = "4a6f686e2047616c74",
      .init_ephemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
      .resp_ephemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
      .handshake_hash = "ed5e9692d0ab507b6c2beec3f584fd5b127817a9d20b26cd50aa72c507260fa3"
        "1aa7d88dd3723316338af37ce0b4cfb2923aeb848bbf2b934911306f01ffc963",
      .init_psks = { "54686973206973206d7920417573747269616e20706572737065637469766521" },
      .resp_psks = { "54686973206973206d7920417573747269616e20706572737065637469766521" },
      .messages = {
          { "4c756477696720766f6e204d69736573", "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
            "ed63df2f5a12aee1185ee9c50305f2ecf12421dcb53c047a63b784cf7c54a105" },
          { "4d757272617920526f746862617264", "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
            "0e0fe7d5c0c9b92f7478716c8852f1b4f389edb75e3ebe546fafafd5b6f0f7" },
          { "462e20412e20486179656b", "0fe04b26dcfbb69f8a6a94c61f1a26ef88769218d32f5d17c068a6" },
          { "4361726c204d656e676572", "2239e0c540c01f09eb1f4cc5258fd5acfefff18a5a3773f21b7bfe" },
          { "4a65616e2d426170746973746520536179", "f216cb03d30fb8af1e561fe02a07552d09b416e27a75e62c77d193718b0bdaae"
            "9f" },
          { "457567656e2042f6686d20766f6e2042617765726b", "6e8baf98b944184dd7dc5ef14d8108cbeca626de118a5460f3308e294d61e172"
            "38bce29bd9" },
      } },
};

/* A cursor in a JSON text, which it changes: strings get their NUL where the quote was.
 * Knows objects, arrays and strings without escapes; all else fails the test. */
struct json {
    char *at;
};

static inline bool json_try(struct json *j, char c)
{
    j->at += strspn(j->at, " \t\r\n");
    if (*j->at != c)
        return false;
    j->at++;
    return true;
}

static inline void json_need(struct json *j, char c)
{
    if (!json_try(j, c))
        fail_msg("no '%c' in the vectors before: %.40s", c, j->at);
}

static inline char *json_string(struct json *j)
{
    char *start;

    json_need(j, '"');
    start = j->at;
    j->at += strcspn(j->at, "\"\\");
    if (*j->at != '"')
        fail_msg("a string of the vectors has no end: %.40s", start);
    *j->at++ = '\0';
    return start;
}

/* True while an array or object goes on behind one of its members. */
static inline bool json_next(struct json *j, char end)
{
    if (json_try(j, ','))
        return true;
    json_need(j, end);
    return false;
}

static inline const char **vector_field(struct vector *v, const char *key)
{
    const struct {
        const char *key;
        const char **field;
    } fields[] = {
        { "protocol_name", &v->name },
        { "init_prologue", &v->init_prologue },
        { "resp_prologue", &v->resp_prologue },
        { "init_static", &v->init_static },
        { "resp_static", &v->resp_static },
        { "init_ephemeral", &v->init_ephemeral },
        { "resp_ephemeral", &v->resp_ephemeral },
        { "init_remote_static", &v->init_remote_static },
        { "resp_remote_static", &v->resp_remote_static },
        { "handshake_hash", &v->handshake_hash },
    };

    for (int i = 0; i < COUNT(fields); i++) {
        if (strcmp(fields[i].key, key) == 0)
            return fields[i].field;
    }
    return NULL;
}

static inline void read_psks(struct json *j, const char *psks[static VECTOR_PSKS_MAX])
{
    int n = 0;

    json_need(j, '[');
    if (json_try(j, ']'))
        return;
    do {
        assert_true(n < VECTOR_PSKS_MAX);
        psks[n++] = json_string(j);
    } while (json_next(j, ']'));
}

static inline void read_messages(struct json *j, struct vector *v)
{
    int n = 0;

    json_need(j, '[');
    do {
        assert_true(n < VECTOR_MESSAGES_MAX);
        json_need(j, '{');
        do {
            const char *key = json_string(j);
            bool is_payload = strcmp(key, "payload") == 0;

            assert_true(is_payload || strcmp(key, "ciphertext") == 0);
            json_need(j, ':');
            if (is_payload)
                v->messages[n].payload = json_string(j);
            else
                v->messages[n].ciphertext = json_string(j);
        } while (json_next(j, '}'));
        n++;
    } while (json_next(j, ']'));
}

static inline void read_vector(struct json *j, struct vector *v)
{
    *v = (struct vector){ 0 };
    json_need(j, '{');
    do {
        const char *key = json_string(j);
        const char **field = vector_field(v, key);

        json_need(j, ':');
        if (field != NULL)
            *field = json_string(j);
        else if (strcmp(key, "init_psks") == 0)
            read_psks(j, v->init_psks);
        else if (strcmp(key, "resp_psks") == 0)
            read_psks(j, v->resp_psks);
        else if (strcmp(key, "messages") == 0)
            read_messages(j, v);
        else
            (void)json_string(j); /* "source" and the like */
    } while (json_next(j, '}'));
}

/* Call run for each vector of the text, which is changed; how many there were. */
static inline int read_vectors(char *text, void (*run)(const struct vector *v))
{
    struct json j = { text };
    int n = 0;

    json_need(&j, '{');
    assert_string_equal(json_string(&j), "vectors");
    json_need(&j, ':');
    json_need(&j, '[');
    do {
        struct vector v;

        read_vector(&j, &v);
        run(&v);
        n++;
    } while (json_next(&j, ']'));
    json_need(&j, '}');
    return n;
}

#endif
