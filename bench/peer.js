/* peer.js - the pipeline from PostgreSQL through RabbitMQ to PostgreSQL as it is commonly built on node.js, for bench/run.
 *
 *   peer.js relay    SOURCE_URL BROKER_URL TABLE    logical replication client, one persistent message a row, confirms
 *   peer.js consumer TARGET_URL BROKER_URL TABLE    one upsert a message, acknowledged after it
 *
 * Built from what people take: pg, pg-logical-replication and amqplib. It is written to be right before it is fast: the
 * slot is acknowledged when the broker has confirmed the transaction's rows, a message when its row is committed. A topic
 * exchange and a durable queue; the table is (id bigint primary key, filler text). Inserts and truncates only, which is what
 * the benchmark writes. Prints "ready" when it runs and ends with SIGTERM. */
'use strict';

const amqp = require('amqplib');
const { Client } = require('pg');
const { LogicalReplicationService, PgoutputPlugin } = require('pg-logical-replication');

const EXCHANGE = 'bench_node';
const QUEUE = 'bench_node';
const PREFETCH = 200;

async function topology(channel) {
    await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
    await channel.assertQueue(QUEUE, { durable: true });
    await channel.bindQueue(QUEUE, EXCHANGE, '#');
}

async function relay(source, broker, table) {
    const connection = await amqp.connect(broker);
    const channel = await connection.createConfirmChannel();
    await topology(channel);
    const service = new LogicalReplicationService(
        { connectionString: source },
        { acknowledge: { auto: false, timeoutSeconds: 0 }, flowControl: { enabled: true } });
    const publish = async (key, row) => {
        const body = Buffer.from(JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? v.toString() : v)));
        if (!channel.publish(EXCHANGE, key, body, { persistent: true, mandatory: true, contentType: 'application/json' })) {
            await new Promise((done) => channel.once('drain', done));
        }
    };
    let confirmed = '0/00000000'; // by the broker; the client's own timer would acknowledge what was merely received
    service.on('data', async (lsn, message) => {
        if (message.tag === 'insert') {
            await publish(`${table}.create`, message.new);
        } else if (message.tag === 'truncate') {
            await publish(`${table}.truncate`, {});
        } else if (message.tag === 'commit') {
            await channel.waitForConfirms();
            confirmed = message.commitEndLsn || lsn;
            await service.acknowledge(confirmed);
        }
    });
    service.on('heartbeat', (lsn, time, wanted) => wanted && service.acknowledge(confirmed));
    service.on('error', (e) => { console.error(e); process.exit(1); });
    service.on('start', () => console.log('ready'));
    await service.subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: [table] }), table);
}

async function consumer(target, broker, table) {
    const db = new Client({ connectionString: target });
    await db.connect();
    const connection = await amqp.connect(broker);
    const channel = await connection.createChannel();
    await topology(channel);
    await channel.prefetch(PREFETCH);
    const upsert = {
        name: 'upsert',
        text: `insert into ${table} (id, filler) values ($1, $2) on conflict (id) do update set filler = excluded.filler`,
    };
    const apply = async (message) => {
        if (message.fields.routingKey.endsWith('.truncate')) {
            await db.query(`truncate ${table}`);
        } else {
            const row = JSON.parse(message.content.toString());
            await db.query({ ...upsert, values: [row.id, row.filler] });
        }
        channel.ack(message);
    };
    let last = Promise.resolve(); // one after the other: rows stay in order
    await channel.consume(QUEUE, (message) => {
        last = last.then(() => apply(message)).catch((e) => { console.error(e); process.exit(1); });
    });
    console.log('ready');
}

const [role, database, broker, table] = process.argv.slice(2);
const run = { relay, consumer }[role];
if (run === undefined || table === undefined) {
    console.error('usage: peer.js relay|consumer DATABASE_URL BROKER_URL TABLE');
    process.exit(2);
}
process.on('SIGTERM', () => process.exit(0));
run(database, broker, table).catch((e) => { console.error(e); process.exit(1); });
