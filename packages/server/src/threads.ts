/**
 * Imported first, before anything starts libuv's threads: each data sync, each write to a large object and each
 * read from a cold page cache holds one of them until the disk answers, and four are soon all waiting.
 */
process.env['UV_THREADPOOL_SIZE'] ??= '16';
