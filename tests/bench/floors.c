/* What the parts of Tocsin cost by themselves on this machine: floors FILE FOLDER
 *
 * FILE is a piece of the benchmark's log, FOLDER a place on the disk to be measured. Prints a line for each floor: name,
 * rate, and CPU seconds for a million lines of the log (empty where it has no meaning), between tabs. One thread, except
 * for the TLS receiver, whose sender has a thread of its own and is not counted. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#define SECONDS_EACH 1.0
#define LINES_MOST 65536
#define DIGEST_SIZE 32

struct sample {
    char *text;
    size_t size;
    size_t count;
    size_t start[LINES_MOST + 1];
};

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "floors: %s: %s\n", what, strerror(errno));
    exit(3);
}

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double wall(void) {
    return seconds_of(CLOCK_MONOTONIC);
}
static double cpu(void) {
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}
static double cpu_process(void) {
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

static struct sample *sample_read(const char *path) {
    struct sample *sample = calloc(1, sizeof *sample);
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (!sample || !file || fstat(fileno(file), &status) != 0)
        give_up(path);
    sample->size = (size_t)status.st_size;
    sample->text = malloc(sample->size + 1);
    if (!sample->text || fread(sample->text, 1, sample->size, file) != sample->size)
        give_up(path);
    fclose(file);
    for (size_t i = 0; i < sample->size && sample->count < LINES_MOST; i++)
        if (sample->text[i] == '\n')
            sample->start[++sample->count] = i + 1;
    return sample;
}

static size_t line_size(const struct sample *sample, size_t i) {
    return sample->start[i + 1] - sample->start[i];
}

static void report(const char *name, const char *unit, double rate, double cpu_per_million) {
    printf("%s\t%.*f %s\t", name, rate < 100 ? 2 : 0, rate, unit);
    if (cpu_per_million > 0)
        printf("%.2f", cpu_per_million);
    putchar('\n');
    fflush(stdout);
}

/* A leaf for each line and the nodes above them, by a stack of digests as the log's frontier keeps them. */
static void floor_merkle(const struct sample *sample) {
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char stack[64][DIGEST_SIZE];
    uint64_t leaves = 0;
    double begun = cpu();
    while (cpu() - begun < SECONDS_EACH) {
        for (size_t i = 0; i < sample->count; i++) {
            unsigned depth = (unsigned)__builtin_popcountll(leaves);
            EVP_DigestInit_ex2(context, sha256, NULL);
            EVP_DigestUpdate(context, "\0", 1);
            EVP_DigestUpdate(context, sample->text + sample->start[i], line_size(sample, i));
            EVP_DigestFinal_ex(context, stack[depth], NULL);
            leaves++;
            for (uint64_t full = leaves; !(full & 1); full >>= 1, depth--) {
                EVP_DigestInit_ex2(context, sha256, NULL);
                EVP_DigestUpdate(context, "\1", 1);
                EVP_DigestUpdate(context, stack[depth - 1], DIGEST_SIZE);
                EVP_DigestUpdate(context, stack[depth], DIGEST_SIZE);
                EVP_DigestFinal_ex(context, stack[depth - 1], NULL);
            }
        }
    }
    double spent = cpu() - begun;
    report("SHA-256 Merkle tree, a leaf a line", "lines/s", (double)leaves / spent,
           spent * 1e6 / (double)leaves);
    EVP_MD_CTX_free(context);
    EVP_MD_free(sha256);
}

static void floor_sha256_blocks(const struct sample *sample) {
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char digest[DIGEST_SIZE];
    size_t block = 65536, blocks = 0;
    double begun = cpu();
    for (; cpu() - begun < SECONDS_EACH; blocks++) {
        EVP_DigestInit_ex2(context, sha256, NULL);
        EVP_DigestUpdate(context, sample->text + blocks % 16 * block, block);
        EVP_DigestFinal_ex(context, digest, NULL);
    }
    report("SHA-256, 64 KiB", "MB/s", (double)(block * blocks) / 1e6 / (cpu() - begun), 0);
    EVP_MD_CTX_free(context);
    EVP_MD_free(sha256);
}

static void floor_zstd(const struct sample *sample, size_t block, const char *name) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(block);
    char *out = malloc(bound);
    size_t in_bytes = 0, out_bytes = 0;
    double begun = cpu();
    while (cpu() - begun < SECONDS_EACH) {
        for (size_t at = 0; at + block <= sample->size; at += block) {
            size_t size = ZSTD_compressCCtx(context, out, bound, sample->text + at, block, 1);
            if (ZSTD_isError(size))
                give_up(ZSTD_getErrorName(size));
            in_bytes += block;
            out_bytes += size;
        }
    }
    double spent = cpu() - begun;
    char title[96];
    snprintf(title, sizeof title, "%s, ratio %.2f", name, (double)in_bytes / (double)out_bytes);
    report(title, "MB/s", (double)in_bytes / 1e6 / spent,
           spent * 1e6 / ((double)in_bytes / (double)sample->size * (double)sample->count));
    free(out);
    ZSTD_freeCCtx(context);
}

static void floor_ed25519(void) {
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char message[160] = {0}, signature[64];
    size_t size = sizeof signature, count = 0;
    double begun = cpu();
    for (; cpu() - begun < SECONDS_EACH; count++) {
        EVP_DigestSignInit(context, NULL, NULL, NULL, key);
        EVP_DigestSign(context, signature, &size, message, sizeof message);
        EVP_MD_CTX_reset(context);
    }
    report("Ed25519 sign", "signatures/s", (double)count / (cpu() - begun), 0);
    begun = cpu();
    for (count = 0; cpu() - begun < SECONDS_EACH; count++) {
        EVP_DigestVerifyInit(context, NULL, NULL, NULL, key);
        if (EVP_DigestVerify(context, signature, size, message, sizeof message) != 1)
            give_up("Ed25519");
        EVP_MD_CTX_reset(context);
    }
    report("Ed25519 verify", "signatures/s", (double)count / (cpu() - begun), 0);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

struct tls_side {
    SSL *connection;
    const struct sample *sample;
    size_t write_size;
};

static void *tls_send(void *argument) {
    struct tls_side *side = argument;
    if (SSL_connect(side->connection) != 1)
        return NULL;
    double begun = wall();
    size_t at = 0;
    while (wall() - begun < SECONDS_EACH * 1.5) {
        if (at + side->write_size > side->sample->size)
            at = 0;
        if (SSL_write(side->connection, side->sample->text + at, (int)side->write_size) <= 0)
            break;
        at += side->write_size;
    }
    SSL_shutdown(side->connection);
    return NULL;
}

static X509 *self_signed(EVP_PKEY *key) {
    X509 *certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    return certificate;
}

static void floor_tls(const struct sample *sample, size_t write_size, const char *name) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        give_up("socketpair");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = self_signed(key);
    SSL_CTX *server = SSL_CTX_new(TLS_server_method()), *client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(server, TLS1_3_VERSION);
    SSL_CTX_use_certificate(server, certificate);
    SSL_CTX_use_PrivateKey(server, key);
    struct tls_side sender = {SSL_new(client), sample, write_size};
    SSL *receiver = SSL_new(server);
    SSL_set_fd(sender.connection, ends[0]);
    SSL_set_fd(receiver, ends[1]);
    pthread_t thread;
    if (pthread_create(&thread, NULL, tls_send, &sender) != 0 || SSL_accept(receiver) != 1)
        give_up("TLS handshake");
    static char into[65536];
    size_t bytes = 0;
    double begun = cpu();
    for (int got; (got = SSL_read(receiver, into, sizeof into)) > 0;)
        bytes += (size_t)got;
    double spent = cpu() - begun;
    pthread_join(thread, NULL);
    report(name, "MB/s", (double)bytes / 1e6 / spent,
           spent * 1e6 / ((double)bytes / (double)sample->size * (double)sample->count));
    SSL_free(sender.connection);
    SSL_free(receiver);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    X509_free(certificate);
    EVP_PKEY_free(key);
    close(ends[0]);
    close(ends[1]);
}

static void floor_sync(const struct sample *sample, const char *folder, size_t block, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/floor-sync", folder);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0)
        give_up(path);
    size_t count = 0;
    double begun = wall();
    for (; wall() - begun < SECONDS_EACH; count++)
        if (write(file, sample->text, block) != (ssize_t)block || fdatasync(file) != 0)
            give_up(path);
    report(name, "ms each", (wall() - begun) * 1e3 / (double)count, 0);
    close(file);
    unlink(path);
}

/* One synced write batch of `values` values of `size` bytes, again and again. */
static void floor_rocksdb(const struct sample *sample, const char *folder, size_t values, size_t size,
                          const char *name) {
    char path[4096], *error = NULL;
    snprintf(path, sizeof path, "%s/floor-rocksdb", folder);
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_t *database = rocksdb_open(options, path, &error);
    if (error)
        give_up(error);
    rocksdb_writeoptions_t *synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(synced, 1);
    uint64_t key = 0;
    size_t batches = 0;
    double begun = wall(), spent = cpu_process();
    for (; wall() - begun < SECONDS_EACH; batches++) {
        rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
        for (size_t i = 0; i < values; i++, key++) {
            uint64_t big_endian = __builtin_bswap64(key);
            rocksdb_writebatch_put(batch, (const char *)&big_endian, sizeof big_endian,
                                   sample->text + key % 1024 * 64, size);
        }
        rocksdb_write(database, synced, batch, &error);
        if (error)
            give_up(error);
        rocksdb_writebatch_destroy(batch);
    }
    double took = wall() - begun;
    spent = cpu_process() - spent;
    double lines = (double)(batches * values * size) / ((double)sample->size / (double)sample->count);
    report(name, "ms each", took * 1e3 / (double)batches, spent * 1e6 / lines);
    rocksdb_close(database);
    rocksdb_destroy_db(options, path, &error);
    rocksdb_writeoptions_destroy(synced);
    rocksdb_options_destroy(options);
}

/* Whether the floor is among those asked for: all of them, or the one named. */
static bool wanted(const char *only, const char *name) {
    return !only || strcmp(only, name) == 0;
}

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: floors FILE FOLDER [merkle | hash | zstd | tls | ed25519 | sync | rocksdb]\n");
        return 2;
    }
    const char *only = argc == 4 ? argv[3] : NULL;
    struct sample *sample = sample_read(argv[1]);
    if (sample->count < 20000) {
        fprintf(stderr, "floors: %s has only %zu lines, 20,000 are needed\n", argv[1], sample->count);
        return 2;
    }
    if (wanted(only, "merkle"))
        floor_merkle(sample);
    if (wanted(only, "hash"))
        floor_sha256_blocks(sample);
    if (wanted(only, "zstd")) {
        floor_zstd(sample, 1 << 20, "zstd -1, 1 MiB");
        floor_zstd(sample, 1 << 16, "zstd -1, 64 KiB");
    }
    if (wanted(only, "tls")) {
        floor_tls(sample, 16384, "TLS 1.3 receive, writes of 16 KiB");
        floor_tls(sample, 1024, "TLS 1.3 receive, writes of 1 KiB");
    }
    if (wanted(only, "ed25519"))
        floor_ed25519();
    if (wanted(only, "sync")) {
        floor_sync(sample, argv[2], 4096, "write + fdatasync, 4 KiB");
        floor_sync(sample, argv[2], 65536, "write + fdatasync, 64 KiB");
        floor_sync(sample, argv[2], 1 << 20, "write + fdatasync, 1 MiB");
    }
    if (wanted(only, "rocksdb")) {
        floor_rocksdb(sample, argv[2], 1000, 220, "RocksDB synced batch, 1,000 of 220 bytes");
        floor_rocksdb(sample, argv[2], 1, 65536, "RocksDB synced batch, one of 64 KiB");
    }
    free(sample->text);
    free(sample);
    return 0;
}
