/* Where CPU time goes in a running pipeline: calls of what all programs share (hashing, zstd, AES, writing) are wrapped by the
 * linker (CMakeLists.txt), and each thread's time inside them is put down to them; what one of them calls is put down to the
 * callee alone. The rest is the caller's own work. */
#ifndef TOCSIN_BENCH_METER_H
#define TOCSIN_BENCH_METER_H

enum meter {
    METER_HASH, /* leaves, nodes and salts of batches */
    METER_ZSTD, /* both ways */
    METER_AES,
    METER_STORE, /* commits: RocksDB in the caller's thread, its log synced */
    METER_READ,  /* rows out of RocksDB */
    METER_FILE,  /* segments' files, synced */
    METER_INDEX, /* a segment's index and filter */
    METER_CHECK, /* reading back and comparing */
    METERS,
};

const char *bench_meter_name(enum meter meter);
/* Seconds since the last call, of each; sets them to zero. */
void bench_meter_take(double ret_seconds[METERS]);

#endif
