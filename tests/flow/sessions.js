// node-postgres through the router: what tests/flow/sessions does with psycopg2, in the extended protocol.
'use strict';
const assert = require('assert');
const { Client, Pool } = require('pg');

const login = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'cqrs', password: 'cqrs', database: 'postgres' };

async function main() {
    const client = new Client(login);
    await client.connect();
    await client.query('delete from sessions');

    const insert = { name: 'insert', text: 'insert into sessions values ($1, $2)' };
    const read = { name: 'read', text: 'select v from sessions where id = $1' };
    for (let i = 0; i < 50; i++) {
        await client.query({ ...insert, values: [i, `node ${i}`] });
        const found = await client.query({ ...read, values: [i] });
        assert.strictEqual(found.rows[0].v, `node ${i}`);
    }
    const queued = await Promise.all([...Array(50).keys()].map((i) => client.query({ ...read, values: [i] })));
    queued.forEach((found, i) => assert.strictEqual(found.rows[0].v, `node ${i}`));

    await client.query('begin');
    await client.query('insert into sessions values ($1, $2)', [1000, null]);
    await assert.rejects(client.query('insert into sessions values ($1, $2)', [1000, 'again']), { code: '23505' });
    await assert.rejects(client.query('select 1'), { code: '25P02' });
    await client.query('rollback');
    assert.strictEqual((await client.query('select count(*)::int as n from sessions')).rows[0].n, 50);

    await assert.rejects(client.query('select $1::int / 0', [1]), { code: '22012' });
    await assert.rejects(client.query('selec 1'), { code: '42601' });
    const types = (await client.query("select 1::int4 as a, true as b, '{1,2}'::int[] as c, '{\"x\": [1]}'::json as d, null as e")).rows[0];
    assert.deepStrictEqual(types, { a: 1, b: true, c: [1, 2], d: { x: [1] }, e: null });

    const heard = new Promise((resolve) => client.on('notification', (m) => resolve(m.payload)));
    await client.query('listen node');
    const pool = new Pool({ ...login, max: 8 });
    await Promise.all([...Array(200).keys()].map(async (i) => {
        const found = await pool.query('select id from sessions where id = $1', [i % 50]);
        assert.strictEqual(found.rows[0].id, i % 50);
    }));
    await pool.query("select pg_notify('node', 'over here')");
    assert.strictEqual(await heard, 'over here');
    await pool.end();
    await client.end();
    console.log('node-postgres: named statements, queued queries, transactions, errors, types, LISTEN, a pool');
}

main().catch((e) => {
    console.error(e);
    process.exit(1);
});
