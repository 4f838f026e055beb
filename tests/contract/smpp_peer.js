// An SMPP centre made of the npm module smpp, which nobody here wrote. It says its port, and then one line of JSON for
// each thing that it got. What it does with a text depends on the last two digits of its number.
const fs = require('fs')
const smpp = require('smpp')

const options = process.argv[2] ? { key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[2]) } : {}
const receivers = new Set()
const throttled = new Set()
let lastId = 0x1ff0

const tell = (what) => process.stdout.write(JSON.stringify(what) + '\n')

function receipt(pdu, id) {
	const text = `id:${String(parseInt(id, 16)).padStart(10, '0')} sub:001 dlvrd:001 submit date:2611210301 ` +
		'done date:2611210302 stat:DELIVRD err:000 text:'
	for (const session of receivers) {
		session.deliver_sm({
			source_addr: pdu.destination_addr, source_addr_ton: 1, destination_addr: pdu.source_addr, esm_class: 4,
			short_message: { message: text }, receipted_message_id: id, message_state: 2,
		}, (answer) => tell({ acknowledged: id, status: answer.command_status }))
	}
}

function submitted(session, pdu) {
	const last = pdu.destination_addr.slice(-2)
	const content = pdu.short_message
	if (last === '58' && !throttled.has(pdu.destination_addr)) {
		throttled.add(pdu.destination_addr)
		return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }))
	}
	if (last === '11') return session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }))
	if (last === '66') return session.destroy()
	const id = (++lastId).toString(16)
	if (process.env.SMPP_PEER_QUIET === undefined) {
		tell({
			id, to: pdu.destination_addr, from: pdu.source_addr, ton: [pdu.source_addr_ton, pdu.dest_addr_ton],
			coding: pdu.data_coding, receipt: pdu.registered_delivery, validity: pdu.validity_period,
			text: content.message.toString(), udh: (content.udh || []).map((part) => part.toString('hex')),
		})
	}
	session.send(pdu.response({ message_id: id }))
	if (pdu.registered_delivery && receivers.size) receipt(pdu, id)
}

function bound(session, pdu, hears) {
	if (pdu.password !== 'secret') return session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }))
	if (hears) receivers.add(session)
	session.send(pdu.response({ system_id: 'peer' }))
}

const server = smpp.createServer(options, (session) => {
	session.on('error', () => {})
	session.on('close', () => receivers.delete(session))
	session.on('bind_transmitter', (pdu) => bound(session, pdu, false))
	session.on('bind_receiver', (pdu) => bound(session, pdu, true))
	session.on('submit_sm', (pdu) => submitted(session, pdu))
	session.on('enquire_link', (pdu) => session.send(pdu.response()))
	session.on('unbind', (pdu) => { session.send(pdu.response()); session.close() })
})
server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }))
process.stdin.resume()
process.stdin.on('end', () => process.exit(0)) // when the test ends, however it ends
