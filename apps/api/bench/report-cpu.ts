/* Loaded into each server that is measured: answers its parent with the CPU time it has used. */
process.on('message', () => process.send?.(process.cpuUsage()));
process.channel?.unref();
